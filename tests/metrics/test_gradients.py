"""GMSD and MDSI."""

import numpy as np
import pytest

from pipeline.metrics.gradients import gmsd, mdsi
from tests.metrics.pictures import picture


@pytest.mark.parametrize("measure", [gmsd, mdsi])
def test_more_noise_is_farther_and_the_same_picture_is_not(measure):
    original = picture(96, 128)
    noise = np.random.default_rng(5).normal(0, 1, original.shape)
    noisy = [np.clip(original + sigma * noise, 0, 255).astype(np.uint8) for sigma in (0, 8, 30)]
    distances = [measure(original, each) for each in noisy]
    assert distances[0] == pytest.approx(0, abs=1e-6) and distances[0] < distances[1] < distances[2]
