"""Losses of pictures."""

import torch

from pipeline.training.losses import grid_contrast, grid_repetition, ms_ssim_error
from tests.test_ultralow import tensor


def test_grid_contrast_tells_dots_from_grain() -> None:
    grain = 0.5 + 0.05 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    dots = torch.full((1, 3, 128, 128), 0.5)
    # The same place in every block, but up or down at random.
    signs = torch.randint(0, 2, (16, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1
    dots[:, :, 3::8, 3::8] += 0.05 * signs
    assert grid_contrast(grain) < 0.1
    assert grid_contrast(dots) > 1


def test_grid_repetition_tells_a_weave_from_grain() -> None:
    generator = torch.Generator().manual_seed(0)
    grain = 0.05 * torch.randn(1, 3, 128, 128, generator=generator)
    weave = 0.05 * torch.randn(1, 3, 8, 8, generator=generator).repeat(1, 1, 16, 16)
    assert grid_repetition(0.5 + grain) < 0.01
    assert grid_repetition(0.5 + weave + 0.5 * grain) > 0.3


def test_ms_ssim_error() -> None:
    image = tensor(192, 192)
    error = ms_ssim_error(torch.cat([image, image * 0.5]), torch.cat([image, image]))
    assert error[0] < 1e-5 < error[1]
