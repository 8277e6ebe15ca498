"""Where the sender lets the bits go: levels from the picture, from a mask, and what they may cost."""

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.arrays import STRIP
from pipeline.autoencoder.allocation import ADAPTIVE_MOST, adaptive_levels, affordable, wanted_levels
from pipeline.autoencoder.quality_map import map_bits
from pipeline.errors import SettingsError
from pipeline.images import to_tensor
from pipeline.settings import Allocation, QualityMapKind


@pytest.fixture
def half_busy() -> Image.Image:
    """256 × 128 pixels: the left half a gentle texture, the right half a strong one."""
    deviation = np.repeat([3.0, 30.0], 128)[None, :, None]
    noise = np.random.default_rng(0).normal(size=(128, 256, 1))
    return Image.fromarray(np.clip(128 + deviation * noise, 0, 255).astype(np.uint8).repeat(3, 2))


def test_gentle_texture_gets_more_than_strong_texture(half_busy: Image.Image) -> None:
    levels = adaptive_levels(to_tensor(half_busy), 1.4)
    assert levels.shape == (4, 8) and levels.dtype == torch.int64
    assert (levels[:, :3] >= 1).all() and (levels[:, 5:] <= -1).all()
    assert abs(float(levels.double().mean())) < 0.5


def test_levels_do_not_depend_on_strips(half_busy: Image.Image) -> None:
    high = to_tensor(half_busy).repeat(1, 1, 5, 1)
    assert high.shape[2] > 2 * STRIP
    assert torch.equal(adaptive_levels(high, 1.4), adaptive_levels(high.mT.contiguous(), 1.4).mT)


def test_no_level_is_beyond_the_most(half_busy: Image.Image) -> None:
    assert adaptive_levels(to_tensor(half_busy), 50.0).abs().max() == ADAPTIVE_MOST


def test_a_flat_picture_needs_no_map() -> None:
    image = Image.new("RGB", (128, 128), "teal")
    assert wanted_levels(Allocation(QualityMapKind.ADAPTIVE), image, to_tensor(image)) is None


def test_noise_below_the_floor_counts_as_flat() -> None:
    pixels = np.full((128, 128, 3), 128, np.uint8)
    pixels[:, ::2, :] += 1
    pixels[:, :64] = 128
    assert not adaptive_levels(to_tensor(pixels), 1.4).any()


def test_white_is_worth_more_than_grey_than_black() -> None:
    mask = Image.fromarray(np.repeat(np.array([0, 128, 255], np.uint8), 64)[None].repeat(64, 0))
    image = Image.new("RGB", mask.size)
    levels = wanted_levels(Allocation(QualityMapKind.PAINTED, mask), image, to_tensor(image))
    assert levels is not None and levels.unique(dim=0).tolist() == [[0, 0, 6, 6, 9, 9]]


def test_a_mask_of_another_shape_is_refused() -> None:
    image = Image.new("RGB", (128, 64))
    with pytest.raises(SettingsError, match="shape of the picture"):
        wanted_levels(Allocation(QualityMapKind.PAINTED, Image.new("L", (64, 64))), image, to_tensor(image))


@pytest.mark.parametrize("stream_bits", [2_000, 30_000, 100_000, 10_000_000])
def test_a_map_takes_no_more_than_its_share(stream_bits: int) -> None:
    levels = torch.randint(-3, 4, (24, 16), generator=torch.Generator().manual_seed(0))
    cheap = affordable(levels, stream_bits)
    assert cheap is None or map_bits(cheap) <= max(stream_bits / 100, 128)
    assert stream_bits < 10_000_000 or cheap is levels
