"""The editor in which a mask is painted: what it shows, what it sends, and what is made of that."""

from functools import reduce
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import gradio as gr
from gradio.components.image_editor import EditorData, EditorDataBlobs
from PIL import Image, ImageChops

from pipeline.errors import BitbrushError, SettingsError
from pipeline.pictures import read_picture
from pipeline.ui.checks import clear_errors
from pipeline.ui.components import UploadedFile, check_upload
from pipeline.ui.files import RunFolder, file_stem

PREVIEW_SIDE = 400
"""Pixels of the photo's longer side in the editor: a mask needs no more, and a slow line has to carry it
both ways."""
COLOUR = "#ff8c00"
_OPAQUE = 0.55
_PAINTED = 32
"""Least opacity, of 255, that counts as painted."""
_BYTES_KEPT = 64_000_000


class UploadedMask(UploadedFile, EditorData):
    """What the editor sends, or a picture file, which is a mask that was made elsewhere."""

    refusal: ClassVar = SettingsError("The mask must be an uploaded picture file.")

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> "UploadedMask":
        file = isinstance(obj, dict) and "path" in obj
        return super().model_validate({"composite": obj} if file else obj, **options)


class MaskInput(gr.ImageEditor):
    """Hands over a mask in grey, white where it is painted; None where nothing was sent."""

    is_template = True
    data_model = UploadedMask

    def __init__(self, **options: Any):
        brush = gr.Brush(colors=[(COLOUR, _OPAQUE)], default_color=(COLOUR, _OPAQUE), color_mode="fixed")
        super().__init__(brush=brush, layers=False, sources=None, transforms=(), buttons=["fullscreen"], **options)
        self.blob_storage = _LastBlobs()

    def preprocess(self, payload: EditorData | None) -> Any:
        """`PIL.Image.Image` in mode L, or None."""
        if payload is None:
            return None
        with clear_errors():
            if payload.id is not None:
                sent = self.blob_storage.pop(payload.id, None)
                return None if sent is None else _painted([layer for layer in sent.layers if layer])
            file = None if payload.background or payload.layers else payload.composite
            for upload in [file] if file else payload.layers:
                check_upload(upload.path, UploadedMask.refusal)
            if file:
                return read_picture(file.path).image.convert("L")
            return _painted([Path(layer.path).read_bytes() for layer in payload.layers])

    def get_config(self, cls: type | None = None) -> dict[str, Any]:
        # Gradio takes the names of the settings from the signature of the constructor, which is that of an editor.
        return super().get_config(cls or gr.ImageEditor)


class _LastBlobs(dict[str, EditorDataBlobs]):
    """What editors have sent and no run has taken yet; the oldest go beyond `_BYTES_KEPT`."""

    def __setitem__(self, key: str, sent: EditorDataBlobs) -> None:
        super().__setitem__(key, sent)
        while sum(map(_size, self.values())) > _BYTES_KEPT:
            del self[next(iter(self))]


def _size(sent: EditorDataBlobs) -> int:
    return sum(len(blob) for blob in (sent.background, sent.composite, *sent.layers) if blob)


def _painted(layers: list[bytes]) -> Image.Image | None:
    """White where any of the layers, files of transparent pictures, is painted."""
    masks: list[Image.Image] = []
    for layer in layers:
        read_picture(layer)  # refuses what is too large or no picture
        with Image.open(BytesIO(layer)) as image:
            opacity = image.convert("RGBA").getchannel("A")
        masks.append(opacity.point(lambda value: 255 * (value >= _PAINTED)))
    if len({mask.size for mask in masks}) > 1:
        raise SettingsError("The layers of the painting differ in size; clear it and paint again.")
    return reduce(ImageChops.lighter, masks) if masks else None


def preview(photo: str | None) -> str | None:
    """A small file of a photo for the editor; None where there is no photo that can be read."""
    if not photo:
        return None
    try:
        image = read_picture(photo).image
    except BitbrushError:
        return None
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    path = RunFolder().path(f"{file_stem(photo, 'photo')}.jpg")
    image.save(path, quality=80)
    return path
