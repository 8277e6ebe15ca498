"""The weave that a network of positions of 4, 8 and 16 pixels a side paints."""

import pytest
import torch

from pipeline.score.network import make_condition, told_scale
from pipeline.score.weave import without_weave

PATCH = 4
SCALE = 2 / 255


def cleaned(picture: torch.Tensor) -> torch.Tensor:
    """A residual in pixels, filtered in units of a constant scale."""
    scale = torch.full((1, 1, *(side // PATCH for side in picture.shape[2:])), SCALE)
    return without_weave(picture / SCALE, scale) * SCALE


@pytest.mark.parametrize("side", [4, 8, 16])
def test_a_weave_is_taken_out_and_detail_is_kept(side: int) -> None:
    detail = torch.randn(1, 3, 192, 256, generator=torch.Generator().manual_seed(1)) * 1.5 / 255
    detail[..., 41:43] += 0.3
    place = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0)) / 255
    weave = place - place.mean((2, 3), keepdim=True)
    left = cleaned(detail + weave.repeat(1, 1, 192 // side, 256 // side)) - detail
    assert left.std() < 0.6 * weave.std()
    assert (cleaned(detail) - detail).std() < 0.25 * detail.std()


def test_detail_in_corners_is_kept_as_elsewhere() -> None:
    detail = torch.randn(16, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 1.5 / 255
    scale = torch.full((16, 1, 16, 16), SCALE)
    kept = without_weave(detail / SCALE, scale) * SCALE
    assert kept[..., :4, :4].std() > 0.9 * detail[..., :4, :4].std()


def test_a_flat_residual_stays() -> None:
    flat = torch.full((1, 3, 32, 32), 0.1)
    torch.testing.assert_close(cleaned(flat), flat)


def test_the_scale_comes_back_from_the_condition() -> None:
    scale = torch.rand(2, 1, 8, 8).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3) + 0.01
    told = told_scale(make_condition(torch.rand(2, 3, 32, 32), scale, torch.zeros(2)))
    torch.testing.assert_close(told, scale[..., ::PATCH, ::PATCH])
