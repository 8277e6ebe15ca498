"""Difference maps on fixed scales, and the worst region."""

import numpy as np

from pipeline.comparison.differences import Box, error_map, worst_region


def test_maps_have_a_fixed_scale() -> None:
    original = np.zeros((2, 3, 3), np.uint8)
    picture = original.copy()
    picture[0, 0], picture[0, 1], picture[0, 2] = 16, 32, 255
    levels = error_map(original, picture)
    assert (levels[1] == levels[1, 0]).all() and (levels[0, 1] == levels[0, 2]).all()
    assert levels[1, 0].sum() < levels[0, 0].sum() < levels[0, 1].sum()


def test_worst_region_is_where_the_error_is() -> None:
    original = np.zeros((120, 200, 3), np.uint8)
    picture = original.copy()
    picture[100:118, 150:180] = 9
    box = worst_region(original, picture, 64, 48)
    assert (box.crop(picture) == 9).all(-1).sum() == 18 * 30
    assert worst_region(original, picture, 999, 999) == Box(0, 0, 200, 120)
