"""Writes the golden streams anew; needed only after the autoencoder's weights have changed."""

import json
from pathlib import Path

from pipeline.codec import Codec
from pipeline.evaluation.robustness import latent_hash
from pipeline.images import load_image

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "assets" / "examples"


def main() -> None:
    codec = Codec.from_pretrained(device="cpu")
    for old in HERE.glob("*.bbr"):
        old.unlink()
    hashes = {}
    for path, quality in zip(sorted(EXAMPLES.iterdir())[:4], (0.0, 0.3, 0.6, 1.0), strict=True):
        image = load_image(path)
        stream = codec.encode(image.crop((0, 0, 250, 190)), quality=quality)
        name = f"{path.stem}.bbr"
        (HERE / name).write_bytes(stream)
        hashes[name] = latent_hash(codec, stream)
    (HERE / "latents.json").write_text(json.dumps(hashes, indent=1) + "\n")


if __name__ == "__main__":
    main()
