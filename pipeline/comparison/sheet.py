"""The contact sheet that shows what the methods made side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFont

from pipeline.arrays import UInt8

CELL = 1024
"""Larger pictures show their central part of this many pixels a side at 100 %, so that detail stays visible."""
SMALLEST = 256
"""Smaller pictures are enlarged by whole pixels towards this."""
_MARGIN = 16
_TITLE, _CAPTION = 24, 18
_LABEL = _TITLE + 2 * _CAPTION + 4
_BACKGROUND, _INK, _FAINT = (250, 250, 248), (20, 20, 20), (90, 90, 90)
_SPELLED = str.maketrans({"σ": "sigma", "×": "x", "–": "n/a", "∞": "infinite"})
"""What Pillow's own font has no sign for."""


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet."""

    title: str
    caption: str
    """Up to two lines."""
    picture: UInt8 | None
    """``(H, W, 3)`` uint8; all pictures of a sheet have one size. None leaves the place empty."""


def contact_sheet(cells: Sequence[Cell], columns: int | None = None) -> Image.Image:
    """The cells in reading order; pixels are shown as they are, never resampled.

    Args:
        columns: as many as make the grid about as wide as it is high, unless given.

    Raises:
        ValueError: there is no cell with a picture.
    """
    cells = [replace(cell, title=_spelled(cell.title), caption=_spelled(cell.caption)) for cell in cells]
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


def _spelled(text: str) -> str:
    return text.translate(_SPELLED)


def _fit(picture: UInt8) -> Image.Image:
    height, width = picture.shape[:2]
    top, left = max(0, height - CELL) // 2, max(0, width - CELL) // 2
    image = Image.fromarray(picture[top : top + CELL, left : left + CELL])
    factor = max(1, SMALLEST // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
