"""Draws the README's picture of the ultra-low codec: ``python -m assets.make_ultralow``.

Parts of two example photos at 200 %: the original, AVIF in no more bytes (of the size with the lowest LPIPS), the
coarse picture, the painted one.
"""

from pathlib import Path

import numpy as np

from pipeline.codec import Codec
from pipeline.comparison import CodecSubject, Made
from pipeline.comparison.catalogue import coarse, plain_smaller, repaint
from pipeline.comparison.sheet import Cell, contact_sheet
from pipeline.images import load_image
from pipeline.metrics import lpips_name, measure
from pipeline.settings import DEFAULT_SETTINGS, SystemName

HERE = Path(__file__).resolve().parent
CROPS = {"astronaut.png": (130, 20, 200, 200), "cat.png": (90, 40, 200, 200)}
"""Left, top, width and height."""
BPP = 0.03
METHODS = {
    "AVIF of the best size": plain_smaller("avif"),
    "Coarse picture": coarse(),
    "Painted": repaint(DEFAULT_SETTINGS[SystemName.ULTRALOW]),
}


def main() -> None:
    codec = Codec.from_pretrained()
    cells = []
    for name, (left, top, width, height) in CROPS.items():
        image = load_image(HERE / "examples" / name)
        original = np.asarray(image)
        subject = CodecSubject(codec, original, codec.encode(image, bpp=BPP, codec=SystemName.ULTRALOW))
        pictures = {"Original": Made(original, original.nbytes, "Original")}
        pictures |= {title: method.run(subject) for title, method in METHODS.items()}
        for title, made in pictures.items():
            caption = f"{made.bytes:,} bytes"
            if made.picture is not original:
                scores = measure(original, made.picture)
                caption += f", {8 * made.bytes / (image.width * image.height):.4f} bpp\n"
                caption += f"{scores.psnr:.2f} dB, {lpips_name()} {scores.lpips:.3f}"
            crop = made.picture[top : top + height, left : left + width]
            cells.append(Cell(title, caption, crop.repeat(2, 0).repeat(2, 1)))
    contact_sheet(cells, columns=4).save(HERE / "ultralow.png", optimize=True)


if __name__ == "__main__":
    main()
