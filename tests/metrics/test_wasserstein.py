"""Wasserstein distortion ranks as eyes do."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pipeline.metrics.wasserstein import wasserstein_distortion


def texture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A sample of a texture of blobs."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (height, width, 3)), (0.8, 0.8, 0), mode="wrap")
    return np.clip(128 + 30 * noise / noise.std(), 0, 255).astype(np.uint8)


def squared_error(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.square(one.astype(float) - other).mean())


def test_the_same_picture_has_none():
    assert wasserstein_distortion(texture(0), texture(0)) == 0


def test_through_a_window_of_one_pixel_it_is_squared_error():
    one, other = texture(0), texture(1)
    assert wasserstein_distortion(one, other, sigma=0) == pytest.approx(squared_error(one, other))


def test_another_sample_of_a_texture_is_near_though_far_in_squared_error():
    original = texture(0)
    sample = texture(1)
    blurred = gaussian_filter(original.astype(float), (2, 2, 0)).astype(np.uint8)
    assert squared_error(original, sample) > 2 * squared_error(original, blurred)
    assert wasserstein_distortion(original, sample) < 0.5 * wasserstein_distortion(original, blurred)


def test_more_blur_and_more_noise_are_farther():
    original = texture(0)
    blurs = [gaussian_filter(original.astype(float), (sigma, sigma, 0)).astype(np.uint8) for sigma in (0.5, 1, 2)]
    noise = np.random.default_rng(2).normal(0, 1, original.shape)
    noisy = [np.clip(original + sigma * noise, 0, 255).astype(np.uint8) for sigma in (3, 6, 12)]
    for pictures in (blurs, noisy):
        distances = [wasserstein_distortion(original, picture) for picture in pictures]
        assert 0 < distances[0] < distances[1] < distances[2]


def test_texture_of_the_wrong_strength_is_far():
    original = texture(0)
    flat = np.full_like(original, 128)
    weak = (128 + 0.5 * (texture(1).astype(float) - 128)).astype(np.uint8)
    distances = [wasserstein_distortion(original, picture) for picture in (texture(1), weak, flat)]
    assert distances == sorted(distances)


def test_odd_sizes():
    original = texture(0, 37, 51)
    assert 0 < wasserstein_distortion(original, texture(1, 37, 51)) < squared_error(original, texture(1, 37, 51))
