"""Difference maps on fixed scales, and the worst region."""

import numpy as np

from pipeline.arrays import STRIP
from pipeline.comparison.differences import Box, error_map, worst_region
from pipeline.comparison.invention import seed_spread


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


def test_worst_region_of_a_high_picture_is_the_worst_of_all() -> None:
    original, picture = np.random.default_rng(0).integers(0, 256, (2, 2 * STRIP + 99, 80, 3), np.uint8)
    error = np.abs(original.astype(int) - picture).sum(-1) ** 2
    tops = [*range(0, len(original) - 48, 6), len(original) - 48]
    boxes = [Box(left, top, 64, 48) for top in tops for left in (0, 8, 16)]
    assert worst_region(original, picture, 64, 48) == max(boxes, key=lambda box: box.crop(error).sum())


def test_maps_of_a_high_picture_are_whole() -> None:
    original, picture = np.random.default_rng(0).integers(0, 256, (2, 2 * STRIP + 9, 5, 3), np.uint8)
    for draw in (error_map, lambda *pair: seed_spread(pair)):
        turned = draw(original.swapaxes(0, 1), picture.swapaxes(0, 1)).swapaxes(0, 1)
        assert np.array_equal(draw(original, picture), turned)
