"""Draws the README's comparisons at 200 %: ``python -m assets.make_comparisons [standard | ultralow]``.

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
    """A picture of the README."""

    crops: dict[str, tuple[int, int, int, int]]
    """Left, top, width and height of the part of each example."""
    bpp: float
    methods: dict[str, Method]


COMPARISONS = {
    SystemName.STANDARD: Comparison(
        {"cat.png": (90, 40, 170, 170), "coffee.png": (330, 200, 170, 170), "temple.jpg": (60, 190, 170, 170)},
        0.1,
        {
            "AVIF": plain("avif"),
            "JPEG XL": plain("jxl"),
            "What the stream says": autoencoder(),
            "Painted": repaint(DEFAULT_SETTINGS[SystemName.STANDARD]),
        },
    ),
    SystemName.ULTRALOW: Comparison(
        {"astronaut.png": (130, 20, 200, 200), "cat.png": (90, 40, 200, 200)},
        0.03,
        {
            "AVIF of the best size": plain_smaller("avif"),
            "Coarse picture": coarse(),
            "Painted": repaint(DEFAULT_SETTINGS[SystemName.ULTRALOW]),
        },
    ),
}


def draw(codec: Codec, system: SystemName) -> None:
    """Writes ``assets/SYSTEM.png``."""
    comparison, cells = COMPARISONS[system], []
    for name, (left, top, width, height) in comparison.crops.items():
        image = load_image(HERE / "examples" / name)
        original = np.asarray(image)
        subject = CodecSubject(codec, original, codec.encode(image, bpp=comparison.bpp, codec=system))
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
    contact_sheet(cells, columns=columns).save(HERE / f"{system}.png", optimize=True)


if __name__ == "__main__":
    for each in sys.argv[1:] or COMPARISONS:
        draw(Codec.from_pretrained(), SystemName(each))
