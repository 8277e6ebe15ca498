"""Scores against known values."""

import math

import numpy as np
import pytest
import pytorch_msssim
import torch

from pipeline.arrays import STRIP
from pipeline.errors import ImageError
from pipeline.metrics import (
    measure,
    psnr,
)
from pipeline.metrics.scores import MS_SSIM_MIN_SIDE, ms_ssim
from tests.metrics.pictures import picture


def test_psnr_of_known_error():
    original = np.full((9, 7, 3), 100, np.uint8)
    assert psnr(original, original + np.uint8(16)) == pytest.approx(20 * math.log10(255 / 16))
    assert psnr(np.zeros_like(original), np.full_like(original, 255)) == 0
    assert psnr(original, original) == math.inf


def test_psnr_in_strips_is_that_of_the_whole():
    a, b = picture(2 * STRIP + 31, 47, 0), picture(2 * STRIP + 31, 47, 1)
    assert psnr(a, b) == 10 * math.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2))


@pytest.mark.parametrize("height", [MS_SSIM_MIN_SIDE, 3 * STRIP + 5])
def test_ms_ssim_is_the_packages_and_undefined_for_small_pictures(height: int):
    a, b = picture(height, 180, 0), picture(height, 180, 1)
    tensors = [torch.tensor(x).permute(2, 0, 1)[None].float() for x in (a, b)]
    assert ms_ssim(a, b) == pytest.approx(pytorch_msssim.ms_ssim(*tensors, data_range=255).item(), abs=1e-6)
    assert ms_ssim(a, a) == pytest.approx(1)
    assert ms_ssim(a[1 - MS_SSIM_MIN_SIDE :], b[1 - MS_SSIM_MIN_SIDE :]) is None


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(ImageError, match="10 × 8 and 8 × 10"):
        measure(picture(8, 10), picture(10, 8))
