"""Draws the README's picture of the ultra-low codec: ``python -m assets.make_ultralow``.

Parts of two example photos at 200 %: the original, AVIF in no more bytes (of the size with the lowest LPIPS), the
coarse picture, the painted one.
"""

from pathlib import Path

import numpy as np

from pipeline.codec import Codec
from pipeline.evaluation.methods import Sketch, plain_smaller
from pipeline.images import load_image
from pipeline.metrics import lpips_name, measure, patch_features
from pipeline.settings import CodecName
from pipeline.sheet import Cell, contact_sheet

HERE = Path(__file__).resolve().parent
CROPS = {"astronaut.png": (130, 20, 200, 200), "cat.png": (90, 40, 200, 200)}
"""Left, top, width and height."""
BPP = 0.03


def main() -> None:
    codec = Codec.from_pretrained()
    cells = []
    for name, (left, top, width, height) in CROPS.items():
        image = load_image(HERE / "examples" / name)
        original = np.asarray(image)
        stream = codec.encode(image, bpp=BPP, codec=CodecName.ULTRALOW)
        coarse = codec.reconstruct(stream)
        *_, last = codec.decode(stream)
        sketch = Sketch(image, original, patch_features(original), len(stream), stream, coarse)
        avif, size = plain_smaller("avif").run(codec, sketch)
        pictures = {
            "Original": (original, original.nbytes),
            "AVIF of the best size": (avif, size),
            "Coarse picture": (coarse, len(stream)),
            "Painted": (last.image, len(stream)),
        }
        for title, (picture, count) in pictures.items():
            scores = measure(original, picture)
            caption = f"{count:,} bytes"
            if picture is not original:
                caption += f", {8 * count / (image.width * image.height):.4f} bpp\n"
                caption += f"{scores.psnr:.2f} dB, {lpips_name()} {scores.lpips:.3f}"
            crop = picture[top : top + height, left : left + width]
            cells.append(Cell(title, caption, crop.repeat(2, 0).repeat(2, 1)))
    contact_sheet(cells, columns=4).save(HERE / "ultralow.png", optimize=True)


if __name__ == "__main__":
    main()
