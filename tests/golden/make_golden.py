"""Writes the golden streams anew; needed only after the weights of a codec have changed.

python -m tests.golden.make_golden [standard | ultralow ...]
"""

import json
import sys
from pathlib import Path

from pipeline.codec import Codec
from pipeline.evaluation.robustness import latent_hash
from pipeline.images import load_image
from pipeline.settings import Precision, SystemName

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "assets" / "examples"
HASHES = HERE / "latents.json"
QUALITIES = (0.0, 0.3, 0.6, 1.0)


def main(systems: list[SystemName]) -> None:
    codec = Codec.from_pretrained(device="cpu", precision=Precision.FP32)
    hashes = json.loads(HASHES.read_text())
    for system in systems:
        for path, quality in zip(sorted(EXAMPLES.iterdir())[:4], QUALITIES, strict=True):
            part = load_image(path).crop((0, 0, 250, 190))
            stream = codec.encode(part, quality=quality, codec=system)
            name = f"{path.stem}.bbr" if system is SystemName.STANDARD else f"{path.stem}-{system}.bbr"
            (HERE / name).write_bytes(stream)
            hashes[name] = latent_hash(codec, stream)
    HASHES.write_text(json.dumps(hashes, indent=1) + "\n")


if __name__ == "__main__":
    main([SystemName(name) for name in sys.argv[1:]] or list(SystemName))
