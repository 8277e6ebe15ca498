"""Wasserstein distortion (Qiu, Wagner, Ballé and Theis 2023, arXiv 2310.03629) on a steerable pyramid.

Around every place the values of each band are taken as a distribution, weighted by a Gaussian of `SIGMA` pixels, and
compared with those of the other picture by the squared 2-Wasserstein distance of normal distributions,
``(μ − μ')² + (s − s')²``. Where the window is a single pixel this is squared error; with a wider one, texture may move
and be another sample, but not vanish or change its strength, scale or direction. Nothing in it is learned.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from pipeline.arrays import UInt8
from pipeline.metrics.steerable import LEVELS, steerable_pyramid

SIGMA = 8.0
"""Pixels of the whole picture."""
_OPPONENT = torch.tensor(
    [[1 / 3**0.5] * 3, [1 / 2**0.5, 0, -(1 / 2**0.5)], [1 / 6**0.5, -2 / 6**0.5, 1 / 6**0.5]], dtype=torch.float64
)
"""Brightness, red–blue, green–magenta: orthonormal, so that squared error stays what it is."""


def wasserstein_distortion(original: UInt8, picture: UInt8, sigma: float = SIGMA) -> float:
    """Of two ``(H, W, 3)`` uint8 pictures, in squared grey levels; 0 for the same picture, squared error at sigma 0.

    Means over all places and the three channels, sums over the bands.
    """
    total = 0.0
    for (level, ours), (_, theirs) in zip(*map(steerable_pyramid, map(_planes, (original, picture))), strict=True):
        (mean, deviation), (other_mean, other_deviation) = (_moments(band, sigma / 2**level) for band in (ours, theirs))
        distances = (mean - other_mean).square() + (deviation - other_deviation).square()
        total += float(distances.mean(dim=(1, 2)).sum())
    return total / 3


def _planes(picture: UInt8) -> Tensor:
    """``(3, H, W)`` float64 in opponent colours, sides mirrored up to what the pyramid needs."""
    multiple = 2**LEVELS
    margins = [(0, -side % multiple) for side in picture.shape[:2]]
    padded = np.pad(picture, (*margins, (0, 0)), mode="symmetric")
    return torch.einsum("oc,hwc->ohw", _OPPONENT, torch.from_numpy(padded).double())


def _moments(band: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of ``(C, H, W)`` within Gaussian windows all over it."""
    mean = _pooled(band, sigma)
    return mean, (_pooled(band.square(), sigma) - mean.square()).clamp(min=0).sqrt()


def _pooled(planes: Tensor, sigma: float) -> Tensor:
    rows, columns = (_windows(side, sigma) for side in planes.shape[1:])
    return rows @ planes @ columns.T


@lru_cache(maxsize=32)
def _windows(side: int, sigma: float) -> Tensor:
    """``(places, side)``: Gaussian weights around places half a sigma apart, at every pixel where that is less."""
    stride = max(1, int(sigma / 2))
    places, pixels = torch.arange(0, side, stride)[:, None], torch.arange(side)
    weights = torch.exp(-0.5 * ((places - pixels) / max(sigma, 1e-3)).double().square())
    return weights / weights.sum(1, keepdim=True)
