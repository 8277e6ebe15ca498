"""Streaks are told from noise and from photographs."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ImageError
from pipeline.images import load_image
from pipeline.metrics import streak_share

SIDE = 128


def grey(values: np.ndarray) -> np.ndarray:
    """``(H, W)`` around 0 => a grey picture."""
    return np.clip(128 + values, 0, 255).round().astype(np.uint8)[..., None].repeat(3, -1)


@pytest.mark.parametrize("transposed", [False, True])
def test_basis_functions_of_blocks_are_streaks(transposed: bool) -> None:
    wave = 20 * np.cos(np.pi * (2 * np.arange(16) + 1) * 7 / 32)
    picture = grey(np.tile(wave, SIDE // 16)[:, None].repeat(SIDE, 1))
    assert streak_share(picture.swapaxes(0, 1) if transposed else picture) > 0.9


def test_white_noise_has_few() -> None:
    assert 0.03 < streak_share(grey(np.random.default_rng(0).normal(0, 20, (SIDE, SIDE)))) < 0.13


def test_slanted_lines_are_none() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    assert streak_share(grey(30 * np.sin(1.2 * (x + y)))) < 0.05


def test_photographs_have_few_and_streaks_on_top_are_seen(example_pictures: list[Path]) -> None:
    photo = np.asarray(load_image(next(path for path in example_pictures if path.stem == "cat")))
    wave = np.tile(20 * np.cos(np.pi * (2 * np.arange(16) + 1) * 7 / 32), photo.shape[0] // 16 + 1)
    streaked = np.clip(photo + wave[: photo.shape[0], None, None], 0, 255).astype(np.uint8)
    assert 1.5 * streak_share(photo) < 0.5 < streak_share(streaked)


def test_a_flat_picture_has_none() -> None:
    assert streak_share(grey(np.zeros((SIDE, SIDE)))) == 0


def test_what_is_smaller_than_a_line_is_refused() -> None:
    with pytest.raises(ImageError, match="16 pixels"):
        streak_share(np.zeros((15, 40, 3), np.uint8))
