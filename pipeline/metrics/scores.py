"""The scores of one picture against its original, all on 8-bit pixels."""

import math
from dataclasses import dataclass

import numpy as np
import pytorch_msssim
import torch

from pipeline.arrays import UInt8
from pipeline.errors import ImageError
from pipeline.metrics.perceptual import lpips_distance

MS_SSIM_MIN_SIDE = 161
"""Five scales of an 11-pixel window need this many pixels; below it MS-SSIM is not defined."""


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
    difference = np.subtract(original, picture, dtype=np.int16)
    mse = float(np.mean(np.square(difference, dtype=np.int32)))
    return 10 * math.log10(255**2 / mse) if mse else math.inf


def ms_ssim(original: UInt8, picture: UInt8) -> float | None:
    """Mean over the colour channels of multi-scale SSIM, or None when a side is shorter than `MS_SSIM_MIN_SIDE`.

    Channel by channel, which gives the same number as all at once in a third of the memory.
    """
    if min(original.shape[:2]) < MS_SSIM_MIN_SIDE:
        return None
    values = []
    for channel in range(3):
        planes = [torch.tensor(array[None, None, :, :, channel]).float() for array in (original, picture)]
        values.append(float(pytorch_msssim.ms_ssim(*planes, data_range=255)))
    return sum(values) / len(values)


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
