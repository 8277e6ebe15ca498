"""One measurement of `pipeline.evaluation.scaling`, in a process of its own."""

import json
import math
import resource
import sys
import time
from itertools import pairwise

from PIL import Image

from pipeline.codec import Codec
from pipeline.images import load_image
from pipeline.settings import Decoder, DecodeSettings

_QUALITY = 0.4
_STEPS = 2
_KILOBYTES = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""


def main(path: str, megapixels: float) -> None:
    codec = Codec.from_pretrained(device="cpu")
    source = load_image(path)
    _run(codec, source.resize((256, 256)))
    scale = math.sqrt(megapixels * 1e6 / (source.width * source.height))
    size = (round(source.width * scale), round(source.height * scale))
    encode, decode, step = _run(codec, source.resize(size, Image.Resampling.BICUBIC))
    figures = {
        "megapixels": size[0] * size[1] / 1e6,
        "encode_seconds": encode,
        "decode_seconds": decode,
        "step_seconds": step,
        "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES / 1e9,
    }
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


def _run(codec: Codec, image: Image.Image) -> tuple[float, float, float]:
    times = [time.perf_counter()]
    stream = codec.encode(image, quality=_QUALITY)
    times.append(time.perf_counter())
    for _ in codec.decode(stream, DecodeSettings(Decoder.DIFFUSION, _STEPS, 0.5)):
        times.append(time.perf_counter())
    encode, decode, *steps = (after - before for before, after in pairwise(times))
    return encode, decode, sum(steps) / len(steps)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
