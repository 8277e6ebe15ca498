"""The steerable pyramid."""

import math

import pytest
import torch

from pipeline.metrics.steerable import LEVELS, ORIENTATIONS, steerable_pyramid


def test_bands_are_an_octave_apart():
    bands = list(steerable_pyramid(torch.zeros(2, 64, 96, dtype=torch.float64)))
    assert [level for level, _ in bands] == [0] + [level for level in range(LEVELS) for _ in range(ORIENTATIONS)] + [4]
    assert all(band.shape == (2, 64 >> level, 96 >> level) for level, band in bands)


def test_no_energy_is_lost_or_counted_twice():
    planes = torch.randn(3, 64, 96, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    energies = [band.square().mean() for _, band in steerable_pyramid(planes)]
    assert sum(energies).item() == pytest.approx(planes.square().mean().item())


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_grating_is_in_the_band_of_its_direction(orientation):
    angle = math.pi * orientation / ORIENTATIONS
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    cycles = 8 if orientation % 2 == 0 else 6  # whole cycles either way
    wave = torch.cos(2 * math.pi * cycles / 64 * (round(math.cos(angle)) * x + round(math.sin(angle)) * y)).double()
    energies = [band.square().mean().item() for level, band in steerable_pyramid(wave[None]) if level in (1, 2)]
    by_direction = [sum(energies[direction::ORIENTATIONS]) for direction in range(ORIENTATIONS)]
    assert max(range(ORIENTATIONS), key=by_direction.__getitem__) == orientation
