"""Picture files of every kind: cleaned of what is not pixels, decoded, made upright sRGB."""

from pipeline.pictures.cleaned import MAX_PIXELS, MAX_SIDE, check_size
from pipeline.pictures.formats import PICTURE_SUFFIXES
from pipeline.pictures.reading import Picture, Source, image_size, load_image, read_picture
from pipeline.pictures.writing import save_png

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "PICTURE_SUFFIXES",
    "Picture",
    "Source",
    "check_size",
    "image_size",
    "load_image",
    "read_picture",
    "save_png",
]
