"""Draws comparisons at 200 %: ``python -m assets.make_comparisons [standard | ultralow | sheet]``.

Parts of example photos: the original, conventional codecs in no more bytes, what the stream alone says, painted.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.codec import Codec
from pipeline.comparison import CodecSubject, Made, Method
from pipeline.comparison.catalogue import autoencoder, coarse, plain, plain_smaller, repaint
from pipeline.comparison.sheet import Cell, contact_sheet
from pipeline.images import load_image
from pipeline.metrics import lpips_name, measure
from pipeline.settings import DEFAULT_SETTINGS, SystemName

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Comparison:
    """A picture of documentation."""

    file: str
    """Below ``assets/``."""
    system: SystemName
    bpp: float
    crops: list[tuple[str, int, int, int, int]]
    """Example, and left, top, width and height of its part."""
    methods: dict[str, Method]


_STANDARD = {
    "AVIF": plain("avif"),
    "JPEG XL": plain("jxl"),
    "What the stream says": autoencoder(),
    "Painted": repaint(DEFAULT_SETTINGS[SystemName.STANDARD]),
}
_ULTRALOW = {
    "AVIF of the best size": plain_smaller("avif"),
    "Coarse picture": coarse(),
    "Painted": repaint(DEFAULT_SETTINGS[SystemName.ULTRALOW]),
}
_SHEET = [
    ("cat.png", 90, 40, 170, 170),
    ("astronaut.png", 150, 10, 170, 170),
    ("temple.jpg", 60, 190, 170, 170),
    ("temple.jpg", 465, 120, 170, 170),
    ("flower.jpg", 290, 130, 170, 170),
    ("coffee.png", 330, 200, 170, 170),
    ("rocket.jpg", 230, 150, 170, 170),
]
COMPARISONS = {
    "standard": Comparison("standard.png", SystemName.STANDARD, 0.1, [_SHEET[4], _SHEET[0]], _STANDARD),
    "ultralow": Comparison(
        "ultralow.png",
        SystemName.ULTRALOW,
        0.03,
        [("astronaut.png", 130, 20, 200, 200), ("cat.png", 90, 40, 200, 200)],
        _ULTRALOW,
    ),
    "sheet": Comparison("results/sheet.webp", SystemName.STANDARD, 0.15, _SHEET, _STANDARD),
}


def draw(codec: Codec, comparison: Comparison) -> None:
    """Writes a comparison's file."""
    cells = []
    for name, left, top, width, height in comparison.crops:
        image = load_image(HERE / "examples" / name)
        original = np.asarray(image)
        subject = CodecSubject(codec, original, codec.encode(image, bpp=comparison.bpp, codec=comparison.system))
        pictures = {"Original": Made(original, original.nbytes, "Original")}
        pictures |= {title: method.run(subject) for title, method in comparison.methods.items()}
        for title, made in pictures.items():
            caption = f"{made.bytes:,} bytes"
            if made.picture is not original:
                scores = measure(original, made.picture)
                caption += f", {8 * made.bytes / (image.width * image.height):.4f} bpp\n"
                caption += f"{scores.psnr:.2f} dB, {lpips_name()} {scores.lpips:.3f}"
            crop = made.picture[top : top + height, left : left + width]
            cells.append(Cell(title, caption, crop.repeat(2, 0).repeat(2, 1)))
    columns = 1 + len(comparison.methods)
    contact_sheet(cells, columns=columns).save(HERE / comparison.file, quality=90, optimize=True)


if __name__ == "__main__":
    for each in sys.argv[1:] or COMPARISONS:
        draw(Codec.from_pretrained(), COMPARISONS[each])
