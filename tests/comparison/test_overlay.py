"""The heat map says what the quality map says."""

import numpy as np

from pipeline.comparison.overlay import map_overlay

QUALITIES = np.array([[0.2, 0.4, 0.6]])
GREY = np.full((32, 96, 3), 100, np.uint8)


def test_more_is_orange_and_fewer_is_blue() -> None:
    made = map_overlay(GREY, QUALITIES, 96, 32).astype(int)
    fewer, mean, more = made[0, 10], made[0, 40], made[0, 80]
    assert fewer[2] > fewer[0] and more[0] > more[2] and (mean == 100).all()


def test_cells_are_those_of_the_coded_picture() -> None:
    made = map_overlay(GREY, QUALITIES, 96, 32)
    reduced = map_overlay(GREY[::2, ::2], QUALITIES, 96, 32)
    np.testing.assert_array_equal(made[::2, ::2], reduced)


def test_the_picture_shows_through() -> None:
    bright, dark = (map_overlay(np.full_like(GREY, value), QUALITIES, 96, 32).astype(int) for value in (200, 20))
    assert (bright > dark + 50).all()
