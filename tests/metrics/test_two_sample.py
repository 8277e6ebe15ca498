"""The two-sample test on textures that differ in known ways."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pipeline.metrics.two_sample import two_sample_auc
from tests.metrics.test_wasserstein import texture

ORIGINALS = [texture(seed, 192, 192) for seed in range(4)]


def test_the_same_pictures_are_not_told_apart():
    assert two_sample_auc(ORIGINALS, ORIGINALS, steps=5) == 0.5


def test_other_samples_of_the_same_texture_are_hardly_told_apart():
    others = [texture(seed, 192, 192) for seed in range(10, 14)]
    assert abs(two_sample_auc(ORIGINALS, others, steps=40) - 0.5) < 0.2


def test_blur_is_told_apart():
    blurred = [gaussian_filter(each.astype(float), (1.5, 1.5, 0)).astype(np.uint8) for each in ORIGINALS]
    assert two_sample_auc(ORIGINALS, blurred, steps=40) > 0.9


def test_it_takes_a_picture_for_either_half():
    small = np.zeros((63, 200, 3), np.uint8)
    with pytest.raises(ValueError, match="two pictures of 64"):
        two_sample_auc([ORIGINALS[0], small], [ORIGINALS[0], small])
