"""Writes the conformance streams anew; needed only after the weights of a codec have changed.

python -m conformance.make_conformance
"""

from pathlib import Path

from PIL import Image

from pipeline.codec import Codec
from pipeline.conformance import write
from pipeline.images import load_image
from pipeline.settings import Precision, SystemName

_EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"
_STREAMS = (
    ("astronaut.png", (1, 1), SystemName.STANDARD, 0.0),
    ("flower.jpg", (1, 1), SystemName.ULTRALOW, 1.0),
    ("temple.jpg", (500, 3), SystemName.STANDARD, 0.5),
    ("cat.png", (64, 64), SystemName.STANDARD, 1.0),
    ("coffee.png", (129, 257), SystemName.ULTRALOW, 0.0),
    ("cat.png", (451, 300), SystemName.STANDARD, 0.3),
    ("rocket.jpg", (320, 427), SystemName.STANDARD, 0.8),
    ("astronaut.png", (512, 512), SystemName.ULTRALOW, 0.7),
    ("coffee.png", (1600, 1200), SystemName.STANDARD, 0.4),
    ("temple.jpg", (1600, 1200), SystemName.ULTRALOW, 1.0),
)
"""Example picture, size that it is brought to, codec and quality."""


def main() -> None:
    codec = Codec.from_pretrained(device="cpu", precision=Precision.FP32)
    streams = {}
    for picture, (width, height), name, quality in _STREAMS:
        image = load_image(_EXAMPLES / picture).resize((width, height), Image.Resampling.BICUBIC)
        stem = f"{name}-{width}x{height}-q{round(100 * quality)}"
        streams[f"{stem}.bbr"] = codec.encode(image, quality=quality, codec=name)
    write(codec, streams)


if __name__ == "__main__":
    main()
