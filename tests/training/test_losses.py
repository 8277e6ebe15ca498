"""Losses of pictures."""

import torch

from pipeline.training.losses import (
    feature_statistics,
    local_energy_error,
    ms_ssim_error,
    spectrum_error,
)
from tests.test_ultralow import tensor


def test_ms_ssim_error() -> None:
    image = tensor(192, 192)
    error = ms_ssim_error(torch.cat([image, image * 0.5]), torch.cat([image, image]))
    assert error[0] < 1e-5 < error[1]


def test_feature_statistics_ask_for_the_texture_not_for_its_values() -> None:
    texture, other = torch.randn(2, 2, 8, 32, 32, generator=torch.Generator().manual_seed(0)).unbind()
    same, alike, smooth = (feature_statistics([texture], [maps]) for maps in (texture, other, 0 * texture))
    assert (same == 0).all() and (8 * alike < smooth).all()


def test_a_channel_that_the_originals_leave_silent_does_not_outweigh_the_others() -> None:
    maps = torch.randn(2, 8, 32, 32, generator=torch.Generator().manual_seed(0))
    maps[:, 0] = 0
    painted = maps.clone()
    painted[:, 0] = 1
    assert (feature_statistics([maps], [painted]) < 10).all()


def test_feature_statistics_have_gradients_where_maps_are_even() -> None:
    maps = torch.zeros(1, 4, 32, 32, requires_grad=True)
    feature_statistics([torch.ones(1, 4, 32, 32)], [maps]).sum().backward()
    assert maps.grad is not None and maps.grad.isfinite().all() and maps.grad.any()


def test_energy_of_detail_is_that_of_other_grain_but_not_of_none() -> None:
    grain, other = 0.5 + 0.05 * torch.randn(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert local_energy_error(grain, grain) == 0
    assert 5 * local_energy_error(other, grain) < local_energy_error(torch.full_like(grain, 0.5), grain)


def test_spectra_tell_a_weave_from_grain_of_the_same_energy() -> None:
    grain, other = 0.5 + 0.02 * torch.randn(2, 1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    tile = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    weave = 0.5 + 0.02 * ((tile - tile.mean((2, 3), keepdim=True)) / tile.std()).repeat(1, 1, 32, 32)
    same, alike, woven = (spectrum_error(picture, grain).item() for picture in (grain, other, weave))
    assert same == 0 and 3 * alike < woven
    faint, faintly_woven = (0.5 + 0.3 * (picture - 0.5) for picture in (other, (other + weave) / 2))
    assert 1.2 * spectrum_error(faint, grain) < spectrum_error(faintly_woven, grain), "below the grain everywhere"


def test_too_much_energy_counts_for_more_than_too_little() -> None:
    picture = 0.5 + 0.02 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    more, less = 0.5 + 1.5 * (picture - 0.5), 0.5 + (picture - 0.5) / 1.5
    assert spectrum_error(more, picture) > 5 * spectrum_error(less, picture) > 0


def test_spectra_have_gradients_where_pictures_are_even() -> None:
    even = torch.full((1, 3, 64, 64), 0.5, requires_grad=True)
    spectrum_error(even, torch.rand(1, 3, 64, 64)).sum().backward()
    assert even.grad is not None and even.grad.isfinite().all() and even.grad.any()
