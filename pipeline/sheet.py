"""One picture through every method, and the contact sheet that shows them side by side."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.baselines import PLAIN_CODECS, add_grain, encode_plain, matched_grain_sigma
from pipeline.errors import ImageError
from pipeline.metrics import psnr
from pipeline.settings import DecodeSettings, DecodeStep

if TYPE_CHECKING:
    from pipeline.codec import Codec

METHODS = 4 + len(PLAIN_CODECS)
"""How many results `every_method` yields."""
CELL = 1024
"""Larger pictures show their central part of this many pixels a side at 100 %, so that detail stays visible."""
SMALLEST = 256
"""Smaller pictures are enlarged by whole pixels towards this."""
_MARGIN = 16
_TITLE, _CAPTION = 24, 18
_LABEL = _TITLE + 2 * _CAPTION + 4
_BACKGROUND, _INK, _FAINT = (250, 250, 248), (20, 20, 20), (90, 90, 90)


@dataclass(frozen=True)
class MethodResult:
    """What one method made of the picture, or why it could not."""

    name: str
    bytes: int | None
    """Size of the real stream or file."""
    picture: np.ndarray | None
    """``(H, W, 3)`` uint8."""
    reason: str = ""
    """A sentence where there is no picture."""


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet."""

    title: str
    caption: str
    """Up to two lines, in Latin-1 without symbols: Pillow's own font has no more."""
    picture: np.ndarray | None
    """``(H, W, 3)`` uint8; all pictures of a sheet have one size. None leaves the place empty."""


def every_method(
    codec: "Codec",
    image: Image.Image,
    stream: bytes,
    diffusion: DecodeSettings,
    flow: DecodeSettings,
    watch: Callable[[Iterator[DecodeStep], str], np.ndarray],
) -> Iterator[MethodResult]:
    """Autoencoder, grain control, diffusion and flow from ``stream``, then plain codecs in at most as many bytes.

    ``watch(records, title)`` runs a decode, showing its progress, and returns the last picture.
    """
    original = np.asarray(image)
    size = len(stream)
    average = codec.reconstruct(stream)
    yield MethodResult("autoencoder", size, average)
    repaint = watch(codec.decode(stream, diffusion), "diffusion")
    sigma = matched_grain_sigma(average, original, psnr(original, repaint), diffusion.seed)
    grain = add_grain(average, sigma, diffusion.seed)
    yield MethodResult(f"grain control, sigma {sigma:.1f} (PSNR of diffusion)", size, grain)
    yield MethodResult(f"diffusion, {_effort(diffusion)}", size, repaint)
    picture = watch(codec.decode(stream, flow), "rectified flow")
    yield MethodResult(f"rectified flow, {_effort(flow)}", size, picture)
    for name, plain in PLAIN_CODECS.items():
        try:
            result = encode_plain(image, name, size)
        except ImageError as error:
            yield MethodResult(plain.label, None, None, str(error))
            continue
        remark = ", its smallest" if len(result.data) > size else ""
        yield MethodResult(f"{plain.label}, quality {result.quality}{remark}", len(result.data), result.image)


def contact_sheet(cells: Sequence[Cell], columns: int | None = None) -> Image.Image:
    """The cells in reading order; pixels are shown as they are, never resampled.

    Args:
        columns: as many as make the grid about as wide as it is high, unless given.

    Raises:
        ValueError: there is no cell with a picture.
    """
    shown = [None if cell.picture is None else _fit(cell.picture) for cell in cells]
    pictures = [picture for picture in shown if picture is not None]
    if not pictures:
        raise ValueError("A contact sheet needs at least one picture.")
    fonts = ImageFont.load_default(_TITLE * 3 // 4), ImageFont.load_default(_CAPTION * 3 // 4)
    texts = [
        (line, font)
        for cell in cells
        for text, font in zip((cell.title, cell.caption), fonts, strict=True)
        for line in text.split("\n")
    ]
    width = max(pictures[0].width, math.ceil(max(font.getlength(line) for line, font in texts))) + _MARGIN
    height = pictures[0].height + _LABEL + _MARGIN
    columns = columns or min(len(cells), max(1, round(math.sqrt(len(cells) * height / width))))
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * width + _MARGIN, rows * height + _MARGIN), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for position, (cell, picture) in enumerate(zip(cells, shown, strict=True)):
        left, top = _MARGIN + position % columns * width, _MARGIN + position // columns * height
        draw.text((left, top), cell.title, fill=_INK, font=fonts[0])
        draw.text((left, top + _TITLE), cell.caption, fill=_FAINT, font=fonts[1], spacing=2)
        if picture is not None:
            sheet.paste(picture, (left, top + _LABEL))
    return sheet


def _effort(settings: DecodeSettings) -> str:
    return f"{settings.num_inference_steps} steps, noise {settings.noise_level:g}"


def _fit(picture: np.ndarray) -> Image.Image:
    height, width = picture.shape[:2]
    top, left = max(0, height - CELL) // 2, max(0, width - CELL) // 2
    image = Image.fromarray(picture[top : top + CELL, left : left + CELL])
    factor = max(1, SMALLEST // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
