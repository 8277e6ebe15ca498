"""The scores of one picture against its original, all on 8-bit pixels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.arrays import UInt8, strips
from pipeline.errors import ImageError
from pipeline.metrics.perceptual import lpips_distance

MS_SSIM_MIN_SIDE = 161
"""Five scales of an 11-pixel window need this many pixels; below it MS-SSIM is not defined."""
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _WINDOW_SIGMA = 11, 1.5
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""The constants C1 and C2 of SSIM."""


@dataclass(frozen=True)
class Scores:
    """Scores of one picture against its original."""

    psnr: float
    """dB; infinite when the pictures are identical."""
    ms_ssim: float | None
    """Up to 1, higher is closer; None when a side is shorter than `MS_SSIM_MIN_SIDE`."""
    lpips: float | None
    """0 is identical; `pipeline.metrics.lpips_name` says by which network. None without one, or for tiny pictures."""


def psnr(original: UInt8, picture: UInt8) -> float:
    """Peak signal-to-noise ratio in dB of two ``(H, W, 3)`` uint8 pictures; infinite when they are identical."""
    return psnr_of_parts((original[rows], picture[rows]) for rows in strips(len(original)))


def psnr_of_parts(parts: Iterable[tuple[UInt8, UInt8]]) -> float:
    """`psnr` of two pictures that are given part by part."""
    error = samples = 0
    for original, picture in parts:
        difference = np.subtract(original, picture, dtype=np.int16)
        error += int(np.square(difference, dtype=np.int32).sum(dtype=np.int64))
        samples += difference.size
    return 10 * math.log10(255**2 / (error / samples)) if error else math.inf


def ms_ssim(original: UInt8, picture: UInt8) -> float | None:
    """Mean over the colour channels of multi-scale SSIM (Wang et al. 2003, doi 10.1109/ACSSC.2003.1292216), or None
    when a side is shorter than `MS_SSIM_MIN_SIDE`.

    Channel by channel and strip by strip, as all at once takes gigabytes for a large picture.
    """
    if min(original.shape[:2]) < MS_SSIM_MIN_SIDE:
        return None
    return sum(_plane_ms_ssim(original[..., channel], picture[..., channel]) for channel in range(3)) / 3


def _plane_ms_ssim(original: UInt8, picture: UInt8) -> float:
    """Of two ``(H, W)`` planes."""
    x, y = (torch.tensor(plane)[None, None].float() for plane in (original, picture))
    value = 1.0
    for scale, weight in enumerate(_SCALE_WEIGHTS, 1):
        similarity, contrast = _similarities(x, y)
        value *= max(0.0, similarity if scale == len(_SCALE_WEIGHTS) else contrast) ** weight
        x, y = (F.avg_pool2d(plane, 2, padding=[side % 2 for side in plane.shape[2:]]) for plane in (x, y))
    return value


def _similarities(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Means of SSIM and of its contrast term over all windows of two planes ``(1, 1, H, W)``."""
    total = torch.zeros(2, dtype=torch.float64)
    height, width = (side - _WINDOW + 1 for side in x.shape[2:])
    for rows in strips(height):
        a, b = (plane[..., rows.start : rows.stop + _WINDOW - 1, :] for plane in (x, y))
        mean_a, mean_b, square_a, square_b, product = map(_windowed, (a, b, a * a, b * b, a * b))
        means = mean_a.square() + mean_b.square()
        contrast = (2 * (product - mean_a * mean_b) + _CONTRAST) / (square_a + square_b - means + _CONTRAST)
        similarity = (2 * mean_a * mean_b + _LUMINANCE) / (means + _LUMINANCE) * contrast
        total += torch.stack([each.sum(dtype=torch.float64) for each in (similarity, contrast)])
    similarity_mean, contrast_mean = (total / (height * width)).tolist()
    return similarity_mean, contrast_mean


def _windowed(plane: Tensor) -> Tensor:
    """Means of ``(1, 1, H, W)`` in SSIM's Gaussian window, where it fits: sums of shifted planes, as on a CPU a
    convolution works on 16 channels however few there are."""
    offsets = torch.arange(_WINDOW, dtype=torch.float32) - _WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * _WINDOW_SIGMA**2))
    first, *others = (window / window.sum()).tolist()
    for side in (2, 3):
        length = plane.shape[side] - _WINDOW + 1
        means = plane.narrow(side, 0, length) * first
        for shift, weight in enumerate(others, 1):
            means.add_(plane.narrow(side, shift, length), alpha=weight)
        plane = means
    return plane


def measure(original: UInt8, picture: UInt8) -> Scores:
    """Scores of ``picture`` against ``original``, both ``(H, W, 3)`` uint8.

    Raises:
        ImageError: the two differ in size.
    """
    if original.shape != picture.shape:
        sizes = [f"{width} × {height}" for height, width, _ in (original.shape, picture.shape)]
        raise ImageError(
            f"The pictures differ in size ({sizes[0]} and {sizes[1]}); compare a picture with its own original."
        )
    return Scores(psnr(original, picture), ms_ssim(original, picture), lpips_distance(original, picture))
