"""Quality maps in integers, as both sides of the entropy coder compute with them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.entropy.fixed_point import ACTIVATION_ONE
from pipeline.stream import QUALITY_STEPS


def quality_units(codes: Tensor) -> Tensor:
    """A quality map in units of 1/`QUALITY_STEPS` => in those of `FixedPointConv2d`'s activations, rounded down."""
    return torch.floor(codes * ACTIVATION_ONE / QUALITY_STEPS)


def planes_at(integers: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    """A map of integers ``(batch, 1, rows, columns)`` at another resolution: repeated, or the mean rounded down.

    Exact on every machine for integers below 2**20, in float32 as in float64.
    """
    rows, columns = integers.shape[2:]
    if (rows, columns) == (1, 1):
        return integers.expand(-1, -1, *size)
    if rows > size[0]:
        return torch.floor(F.avg_pool2d(integers, (rows // size[0], columns // size[1])))
    return F.interpolate(integers, size=tuple(size), mode="nearest")
