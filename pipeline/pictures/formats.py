"""The kinds of picture file that are read, how each is recognised, and which decoder it needs."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, features

from pipeline.errors import ImageError
from pipeline.pictures import boxes, jpeg, png, ppm, tiff, webp
from pipeline.pictures.cleaned import Cleaned

try:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    _HAS_HEIF = True
except ImportError:
    _HAS_HEIF = False
try:
    import pillow_jxl  # noqa: F401

    _HAS_JXL = True
except ImportError:
    _HAS_JXL = False

warnings.simplefilter("ignore", Image.DecompressionBombWarning)

PICTURE_SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".heic", ".heif", ".hif", ".jxl",
    ".gif", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm",
)  # fmt: skip
"""Endings of picture files, for pickers; files are judged by their content."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    name: str
    """As Pillow calls it."""
    clean: Callable[[bytes], Cleaned]
    missing: str | None = None
    """The package that is needed to read it and is not there."""
    repaired: Callable[[Cleaned], Cleaned] | None = None
    """Makes the most of pixels that the decoder refuses."""


def identify(content: bytes) -> Format:
    """Raises `ImageError` for anything that is not a picture, and for one whose decoder is not installed."""
    found = _identify(content)
    if found is None:
        raise ImageError(
            "The file is not a picture Bitbrush can read; use PNG, JPEG, WebP, AVIF, HEIC, JPEG XL or TIFF."
        )
    if found.missing:
        raise ImageError(
            f"Reading {found.name} pictures needs the package {found.missing}, which is not installed; "
            f"install it with pip, or save the picture as PNG or JPEG."
        )
    return found


def _identify(content: bytes) -> Format | None:
    if content.startswith(png.SIGNATURE):
        return Format("PNG", png.clean, repaired=png.repaired)
    if content.startswith(b"\xff\xd8\xff"):
        return Format("JPEG", jpeg.clean)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Format("WEBP", webp.clean, None if features.check("webp") else "pillow with WebP")
    if content.startswith(_TIFF):
        return Format("TIFF", tiff.clean)
    if content.startswith((boxes.JXL_CODESTREAM, boxes.JXL_CONTAINER)):
        return Format("JXL", boxes.clean_jxl, None if _HAS_JXL else "pillow-jxl-plugin")
    if brand := boxes.brand(content):
        available = {"AVIF": features.check("avif"), "HEIF": _HAS_HEIF}[brand]
        package = {"AVIF": "pillow with AVIF", "HEIF": "pillow-heif"}[brand]
        return Format(brand, boxes.clean, None if available else package)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return Format("GIF", Cleaned)
    if content.startswith(b"BM"):
        return Format("BMP", Cleaned)
    if ppm.START.match(content):
        return Format("PPM", ppm.clean)
    return None
