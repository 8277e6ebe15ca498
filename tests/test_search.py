"""The search for a bitrate: never above it, close below it, with few streams."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.autoencoder.quality_map import LEVEL_STEP
from pipeline.codec import Codec
from pipeline.images import load_image, pad, to_tensor
from pipeline.layers.quality import CELL
from pipeline.search import RateModel, bands, search_bitrate
from pipeline.settings import SystemName
from pipeline.stream import HEADER_BYTES, QUALITY_STEPS, bits_per_pixel, pack, read_header

CODES = np.arange(QUALITY_STEPS + 1)
SIDE = 256


class Encoder:
    """Streams of a picture of `SIDE` pixels a side that take ``bits`` a pixel at each quality code."""

    def __init__(self, bits: Callable[[np.ndarray], np.ndarray]):
        self.bpp = bits(CODES)
        self.codes: list[int] = []

    def __call__(self, code: int) -> bytes:
        self.codes.append(code)
        payload = bytes(max(0, int(self.bpp[code] * SIDE**2 / 8) - HEADER_BYTES))
        return pack("autoencoder", "00000000", SIDE, SIDE, code, 0, payload)


def _growing(codes: np.ndarray) -> np.ndarray:
    return np.exp(np.linspace(np.log(0.03), np.log(1.5), len(codes)) + 0.2 * np.sin(codes / 900))


@pytest.mark.parametrize("bpp", [0.05, 0.2, 1.2])
def test_a_model_of_the_right_shape_needs_two_streams(bpp: float) -> None:
    encode = Encoder(_growing)
    stream = search_bitrate(encode, bpp, 0.01, RateModel(np.log(1.2 * encode.bpp)))
    assert 0.99 * bpp <= bits_per_pixel(stream) <= bpp and len(encode.codes) == 2


@pytest.mark.parametrize("bpp", [0.05, 0.2, 1.2])
def test_a_model_of_another_slope_needs_few(bpp: float) -> None:
    encode = Encoder(_growing)
    stream = search_bitrate(encode, bpp, 0.01, RateModel(0.8 * np.log(encode.bpp) - 0.3))
    assert 0.99 * bpp <= bits_per_pixel(stream) <= bpp and len(encode.codes) <= 4


def test_a_model_that_says_nothing_still_ends_between_neighbours() -> None:
    encode = Encoder(lambda codes: 0.1 + 0.1 * (codes // 512))
    stream = search_bitrate(encode, 0.35, 0.01, RateModel(np.zeros(len(CODES))))
    code = read_header(stream).quality_code
    assert encode.bpp[code] <= 0.35 < encode.bpp[code + 1] and len(encode.codes) <= 20


@pytest.mark.parametrize("size", [(512, 768), (1984, 3008), (3072, 4032), (4032, 6016), (6016, 64)])
def test_bands_are_of_all_of_a_picture(size: tuple[int, int]) -> None:
    height, width = size
    image = torch.arange(height)[:, None] / height + torch.zeros(1, 1, height, width)
    found = bands(image, 64)
    assert min(2**17, height * width) <= found[0, 0].numel() <= 2**19
    assert found.min() < 0.1 and found.max() > 1 - 9 * 64 / height
    columns = torch.arange(width) / width + torch.zeros(1, 1, height, width)
    assert bands(columns, 64).max() > 0.8


def test_the_model_knows_the_map(codec: Codec, picture: Image.Image) -> None:
    padded = pad(to_tensor(picture), codec.standard.alignment)
    rows, columns = padded.shape[2] // CELL, padded.shape[3] // CELL
    plain, raised, low = (
        codec.standard.rate_model(padded, levels).log_bpp
        for levels in (None, torch.full((rows, columns), 2), torch.full((rows, columns), -1))
    )
    np.testing.assert_allclose(raised[: -2 * LEVEL_STEP], plain[2 * LEVEL_STEP :])
    np.testing.assert_allclose(low[LEVEL_STEP:], plain[:-LEVEL_STEP])
    half = torch.zeros(rows, columns, dtype=torch.int64)
    half[:, : columns // 2] = 2
    mixed = codec.standard.rate_model(padded, half).log_bpp
    assert (plain[:3000] < mixed[:3000]).all() and (mixed[:3000] < raised[:3000]).all()


@pytest.mark.parametrize(("bpp", "code"), [(0.01, 0), (3.0, QUALITY_STEPS)])
def test_targets_out_of_reach_give_the_ends(bpp: float, code: int) -> None:
    encode = Encoder(_growing)
    stream = search_bitrate(encode, bpp, 0.01, RateModel(np.log(1.2 * encode.bpp)))
    assert read_header(stream).quality_code == code and len(encode.codes) == 1


@pytest.mark.parametrize(("system", "bpp", "most"), [(SystemName.STANDARD, 0.2, 4), (SystemName.ULTRALOW, 0.025, 12)])
def test_a_slightly_higher_quality_does_not_fit(
    codec: Codec, example_pictures: list[Path], system: SystemName, bpp: float, most: int
) -> None:
    for path in example_pictures[:3]:
        image, tries = load_image(path), Mock()
        stream = codec.encode(image, bpp=bpp, codec=system, check=tries)
        assert bits_per_pixel(stream) <= bpp
        code = read_header(stream).quality_code + 24
        assert bits_per_pixel(codec.encode(image, quality=code / QUALITY_STEPS, codec=system)) > bpp
        assert tries.call_count - 1 <= most
