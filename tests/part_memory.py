"""One part of what the page does with a photo, on a picture of 6 megapixels in a process of its own: prints by how many
bytes a pixel it raises the peak memory of the process.

``python -m tests.part_memory PART``
"""

import resource
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.arrays import UInt8
from pipeline.autoencoder.allocation import adaptive_levels
from pipeline.comparison.baselines import add_grain, matched_grain_sigma
from pipeline.comparison.differences import error_map, worst_region
from pipeline.comparison.invention import seed_spread
from pipeline.images import to_tensor
from pipeline.metrics import psnr
from pipeline.metrics.scores import ms_ssim

_SHAPE = 4096, 1536, 3
_KILOBYTES = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""
PARTS: dict[str, Callable[[UInt8, UInt8], Any]] = {
    "adaptive levels": lambda original, _: adaptive_levels(to_tensor(original), 1.4),
    "PSNR": psnr,
    "MS-SSIM": ms_ssim,
    "grain": lambda original, _: add_grain(original, 5.0),
    "matched grain": lambda original, picture: matched_grain_sigma(picture, original, 20.0),
    "worst region": lambda original, picture: worst_region(original, picture, 320, 240),
    "error map": error_map,
    "seed spread": lambda *pictures: seed_spread(pictures),
}


def main(part: str) -> None:
    pictures = np.random.default_rng(0).integers(100, 156, (2, *_SHAPE), np.uint8)
    PARTS[part](*pictures[:, :256, :256])
    before = _peak()
    PARTS[part](*pictures)
    print((_peak() - before) / (_SHAPE[0] * _SHAPE[1]))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES


if __name__ == "__main__":
    main(sys.argv[1])
