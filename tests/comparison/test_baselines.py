"""The grain control and plain codecs at a byte budget."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.arrays import STRIP
from pipeline.comparison.baselines import MAX_SIGMA, PLAIN_CODECS, add_grain, encode_plain, matched_grain_sigma
from pipeline.errors import ImageError
from pipeline.metrics import psnr


def waves(height: int = 47, width: int = 61) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / 3 + y / 7), np.cos(x / 11 - y / 5), np.sin(x * y / 200)]
    return (128 + 90 * np.stack(planes, -1)).astype(np.uint8)


def test_grain_is_seeded_and_of_the_asked_strength():
    grey = np.full((200, 150, 3), 128, np.uint8)
    grained = add_grain(grey, 5.0, seed=3)
    assert grained.dtype == np.uint8 and grained.shape == grey.shape
    assert (grained.astype(float) - 128).std() == pytest.approx(5, rel=0.02)
    assert np.array_equal(grained, add_grain(grey, 5.0, seed=3))
    assert not np.array_equal(grained, add_grain(grey, 5.0, seed=4))
    assert np.array_equal(add_grain(grey, 0.0), grey)


def test_grain_does_not_depend_on_strips():
    tall = waves(2 * STRIP + 21, 40)
    noise = np.random.default_rng(3).standard_normal(tall.shape, dtype=np.float32)
    assert np.array_equal(add_grain(tall, 5.0, seed=3), np.clip(np.rint(5 * noise + tall), 0, 255).astype(np.uint8))
    sigma = matched_grain_sigma(tall, tall, 30.0, seed=3)
    assert psnr(tall, add_grain(tall, sigma, seed=3)) == pytest.approx(30.0, abs=0.01)


def test_grain_is_clipped():
    assert add_grain(np.full((20, 20, 3), 255, np.uint8), 30.0).min() > 100
    assert add_grain(np.zeros((20, 20, 3), np.uint8), 30.0).max() < 155


@pytest.mark.parametrize("target", [33.0, 27.5, 21.0])
def test_matched_grain_hits_the_target(target):
    original = waves()
    picture = add_grain(original, 2.0, seed=9)
    sigma = matched_grain_sigma(picture, original, target, seed=1)
    assert psnr(original, add_grain(picture, sigma, seed=1)) == pytest.approx(target, abs=0.05)


def test_matched_grain_at_the_ends():
    original = waves()
    assert matched_grain_sigma(add_grain(original, 9.0), original, 40.0) == 0
    assert matched_grain_sigma(original, original, 1.0) == pytest.approx(MAX_SIGMA)


@pytest.mark.parametrize("codec", PLAIN_CODECS)
def test_plain_codecs_use_the_budget(codec):
    image = Image.fromarray(waves(96, 130))
    result = encode_plain(image, codec, 1500)
    assert result.codec == codec and len(result.data) <= 1500
    with Image.open(BytesIO(result.data)) as file:
        assert file.format == codec.upper()
        assert np.array_equal(np.asarray(file.convert("RGB")), result.image)
    richer = encode_plain(image, codec, 3000)
    assert richer.quality > result.quality
    assert psnr(np.asarray(image), richer.image) > psnr(np.asarray(image), result.image)


@pytest.mark.parametrize("codec", PLAIN_CODECS)
def test_plain_codecs_have_a_floor(codec):
    result = encode_plain(Image.fromarray(waves()), codec, 10)
    assert len(result.data) > 10 and result.quality <= 1
    assert result.image.shape == (47, 61, 3)


@pytest.mark.parametrize("codec", PLAIN_CODECS)
def test_profiles_and_comments_cost_no_bytes(codec):
    bare = Image.fromarray(waves())
    laden = bare.copy()
    laden.info |= {
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "comment": b"hello" * 100,
    }
    assert encode_plain(laden, codec, 2000).data == encode_plain(bare, codec, 2000).data


def test_a_size_the_format_cannot_hold_is_said():
    with pytest.raises(ImageError, match="WebP cannot hold a picture of 16384 × 1 pixels"):
        encode_plain(Image.new("RGB", (16384, 1)), "webp", 1000)
