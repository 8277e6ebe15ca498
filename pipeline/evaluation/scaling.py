"""Cost against picture size: seconds and peak memory of a fresh process, from a quarter to twelve megapixels."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEGAPIXELS = (0.25, 0.5, 1.0, 3.0, 6.0, 12.0)
_WORKER = "pipeline.evaluation.scaling_worker"


@dataclass(frozen=True)
class SizeCost:
    """One picture through encoding, the autoencoder and one sampling step."""

    megapixels: float
    encode_seconds: float
    decode_seconds: float
    step_seconds: float
    """One sampling step of the diffusion decoder."""
    peak_gigabytes: float
    """Largest resident memory of the whole process, models included."""

    @property
    def seconds_per_megapixel(self) -> float:
        return (self.encode_seconds + self.decode_seconds + self.step_seconds) / self.megapixels


def measure_sizes(picture: Path, megapixels: tuple[float, ...] = MEGAPIXELS) -> Iterator[SizeCost]:
    """Runs ``picture``, resized to each size, in a process of its own."""
    for size in megapixels:
        command = [sys.executable, "-m", _WORKER, str(picture), str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield SizeCost(**json.loads(done.stdout.splitlines()[-1]))


def unevenness(costs: list[SizeCost]) -> float:
    """Largest departure of the cost per megapixel from its mean, as a share of it; 0 is exactly linear."""
    each = [cost.seconds_per_megapixel for cost in costs]
    mean = sum(each) / len(each)
    return max(abs(value - mean) for value in each) / mean
