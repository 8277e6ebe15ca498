"""What was invented: distances from what was sent, the spread over seeds, and their map with its scale."""

import numpy as np
import pytest

from pipeline.comparison.invention import TOPS, invented, invention_map, seed_spread


def test_what_was_invented_is_the_distance_from_what_was_sent() -> None:
    x_hat = np.full((4, 5, 3), 100, np.uint8)
    picture = x_hat.copy()
    picture[1, 2] = 103, 94, 100
    levels = invented(picture, x_hat)
    assert levels.shape == (4, 5) and levels[1, 2] == 3 and levels.sum() == 3
    assert (invented(x_hat, picture) == levels).all()


def test_the_spread_is_the_standard_deviation_over_seeds() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (300, 7, 3), dtype=np.uint8) for _ in range(4)]
    np.testing.assert_allclose(seed_spread(pictures), np.stack(pictures).std(0).mean(-1), rtol=1e-5)
    assert not seed_spread(pictures[:1] * 2).any()


@pytest.mark.parametrize(("level", "top"), [(0, 2), (1.5, 2), (5, 8), (16, 16), (200, 64)])
def test_a_map_is_as_bright_as_nearly_all_of_it_allows(level: float, top: int) -> None:
    levels = np.full((40, 50), level, np.float32)
    levels[0, 0] = 255
    drawn, scale = invention_map(levels)
    assert scale == top in TOPS and drawn.shape == (40, 50, 3)
    black, brightest = invention_map(np.array([[0, 99]], np.float32))[0][0]
    assert black.sum() < 10 and (drawn[0, 0] == brightest).all()
