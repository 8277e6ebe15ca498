"""Streams with right checksums and false content, and pictures that bring the networks to their limits."""

import time

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline import stream
from pipeline.autoencoder import QualityMap
from pipeline.codec import Codec
from pipeline.entropy import SYMBOL_MAX
from pipeline.entropy.fixed_point import ACTIVATION_MAX
from pipeline.errors import StreamError
from pipeline.evaluation.robustness import computing, latent_hash
from pipeline.images import MAX_PIXELS
from pipeline.settings import SystemName
from pipeline.stream import QUALITY_STEPS

_CODE = st.integers(0, QUALITY_STEPS)


@pytest.mark.parametrize("model", ["autoencoder", "ultralow"])
@pytest.mark.parametrize("size", [(4000, 3000), (6000, 4000), (64, 64), (1, 1)])
@pytest.mark.parametrize("payload", [b"", b"\0", b"\1", b"BITBRUSH", bytes(8), b"\xff" * 8, b"\xff" * 3000])
def test_false_payload_is_refused_at_once(codec: Codec, model: str, size: tuple[int, int], payload: bytes) -> None:
    hostile = stream.pack(model, codec.weights_hash(model), *size, 2000, 10, payload)
    begun = time.process_time()
    with pytest.raises(StreamError, match="not made by Bitbrush's encoder"):
        codec.decode_latent(hostile)
    assert time.process_time() - begun < 2


def _extremes() -> dict[str, np.ndarray]:
    """Grey pictures ``(64, 64)`` uint8 that photographs never come near."""
    x = np.arange(64)
    stripes = {f"stripes of {width}": np.tile(x // width % 2 * 255, (64, 1)) for width in (1, 2, 8, 16)}
    return stripes | {
        "noise": np.random.default_rng(0).integers(0, 256, (64, 64)),
        "black": np.zeros((64, 64)),
        "white": np.full((64, 64), 255),
        "chessboard": (x + x[:, None]) % 2 * 255,
    }


@pytest.mark.parametrize("name", list(_extremes()))
@pytest.mark.parametrize("system", list(SystemName))
def test_extreme_pictures_are_exact_at_every_quality(codec: Codec, name: str, system: SystemName) -> None:
    picture = Image.fromarray(_extremes()[name].astype(np.uint8)).convert("RGB")
    for quality in (0.0, 0.35, 0.7, 1.0):
        coded = codec.encode(picture, quality=quality, codec=system)
        hashes = set()
        for setting in ((1, False, True), (2, True, False)):
            with computing(*setting):
                hashes.add(latent_hash(codec, coded))
        assert len(hashes) == 1


@pytest.mark.parametrize("model", ["autoencoder", "ultralow"])
def test_latents_beyond_all_ranges_are_clamped_and_exact(codec: Codec, model: str) -> None:
    system = next(system for system in codec.systems if system.model_name == model)
    system.prepare()
    entropy = (codec.standard.autoencoder if model == "autoencoder" else codec.ultralow.coder).entropy
    latent = 1e6 * torch.randn(1, sum(entropy.groups), 4, 4, generator=torch.Generator().manual_seed(0))
    codes = QualityMap(QUALITY_STEPS).codes
    writer = entropy.writer()
    entropy.write(writer, latent, codes)
    payload = writer.finish()
    decoded, indexes = entropy.read(entropy.reader(payload), codes, 4, 4)
    with computing(2, True, False):
        again = entropy.read(entropy.reader(payload), codes, 4, 4)
    assert torch.equal(again[0], decoded) and torch.equal(again[1], indexes)
    assert decoded.abs().max() <= SYMBOL_MAX * 256 + ACTIVATION_MAX


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(width=st.integers(1, 80), height=st.integers(1, 80), code=_CODE, system=st.sampled_from(list(SystemName)))
def test_any_size_and_quality_comes_back(codec: Codec, width: int, height: int, code: int, system: SystemName) -> None:
    picture = Image.fromarray(np.random.default_rng(code).integers(0, 256, (height, width, 3), dtype=np.uint8))
    coded = codec.encode(picture, quality=code / QUALITY_STEPS, codec=system)
    header = stream.read_header(coded)
    assert (header.width, header.height, header.quality_code, header.codec) == (width, height, code, system)
    assert codec.reconstruct(coded).shape == (height, width, 3)


@given(
    model=st.sampled_from(sorted(stream.MODELS.values())),
    weights=st.binary(min_size=4, max_size=4),
    size=st.tuples(st.integers(1, 65535), st.integers(1, 65535)).filter(lambda size: size[0] * size[1] <= MAX_PIXELS),
    code=_CODE,
    grain=st.integers(0, 255),
    payload=st.binary(max_size=100),
)
def test_any_header_comes_back(
    model: str, weights: bytes, size: tuple[int, int], code: int, grain: int, payload: bytes
) -> None:
    packed = stream.pack(model, weights.hex(), *size, code, grain, payload)
    header, unpacked = stream.unpack(packed)
    assert unpacked == payload and header.total_bytes == len(packed)
    assert (header.model_name, header.model_hash) == (model, weights.hex())
    assert (header.width, header.height, header.quality_code, header.grain_code) == (*size, code, grain)


@given(
    version=st.integers(0, 255), number=st.integers(0, 255), width=st.integers(0, 65535), height=st.integers(0, 65535),
    quality=st.integers(0, 65535), payload=st.binary(max_size=20),
)  # fmt: skip
def test_a_header_of_any_values_is_read_or_refused(
    version: int, number: int, width: int, height: int, quality: int, payload: bytes
) -> None:
    made = stream.assemble(version, number, b"abcd", width, height, quality, 0, payload)
    possible = version == stream.VERSION and number in stream.MODELS and quality <= QUALITY_STEPS
    if possible and 0 < width * height <= MAX_PIXELS:
        assert stream.read_header(made).width == width
    else:
        with pytest.raises(StreamError):
            stream.read_header(made)
