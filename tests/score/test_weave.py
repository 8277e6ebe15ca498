"""The weave that a network paints with the grids of its depths."""

import pytest
import torch

from pipeline.score.network import make_condition, told_scale
from pipeline.score.weave import without_weave

PATCH = 4
WEAVES = {16: 7, 8: 9, 4: 9}


@pytest.mark.parametrize("side", WEAVES)
def test_a_weave_is_taken_out_and_detail_is_kept(side: int) -> None:
    detail = torch.randn(1, 3, 192, 256, generator=torch.Generator().manual_seed(1)) * 1.5 / 255
    detail[..., 41:43] += 0.3
    place = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0)) / 255
    weave = place - place.mean((2, 3), keepdim=True)
    left = without_weave(detail + weave.repeat(1, 1, 192 // side, 256 // side), WEAVES) - detail
    assert left.std() < 0.6 * weave.std()
    assert (without_weave(detail, WEAVES) - detail).std() < 0.25 * detail.std()


def test_detail_in_corners_is_kept_as_elsewhere() -> None:
    detail = torch.randn(16, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 1.5 / 255
    kept = without_weave(detail, WEAVES)
    assert kept[..., :4, :4].std() > 0.9 * detail[..., :4, :4].std()


def test_a_flat_residual_stays() -> None:
    flat = torch.full((1, 3, 32, 32), 0.1)
    torch.testing.assert_close(without_weave(flat, WEAVES), flat)


def test_the_scale_comes_back_from_the_condition() -> None:
    scale = torch.rand(2, 1, 8, 8).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3) + 0.01
    told = told_scale(make_condition(torch.rand(2, 3, 32, 32), scale, torch.zeros(2)))
    torch.testing.assert_close(told, scale[..., ::PATCH, ::PATCH])
