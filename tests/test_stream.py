"""The container: round trips, and every kind of damage."""

import numpy as np
import pytest

from pipeline import stream
from pipeline.errors import StreamError

PAYLOAD = bytes(range(256)) * 2
GOOD = stream.pack("autoencoder", "0badf00d", 768, 512, 1234, 40, PAYLOAD)


def test_header_round_trip() -> None:
    assert len(GOOD) == stream.HEADER_BYTES + len(PAYLOAD) and stream.HEADER_BYTES <= 24
    header, payload = stream.unpack(GOOD)
    assert payload == PAYLOAD
    assert (header.width, header.height, header.quality_code) == (768, 512, 1234)
    assert (header.grain_code, header.grain) == (40, 2.5)
    assert (header.model_name, header.model_hash) == ("autoencoder", "0badf00d")
    assert stream.bits_per_pixel(GOOD) == 8 * len(GOOD) / (768 * 512)


def test_every_single_bit_flip_is_refused() -> None:
    for bit in range(8 * len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(StreamError):
            stream.unpack(bytes(damaged))


def test_every_truncation_and_extension_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(StreamError):
            stream.unpack(GOOD[:length])
    with pytest.raises(StreamError):
        stream.unpack(GOOD + b"\0")


def _with_checksum(fields: bytes, payload: bytes = PAYLOAD) -> bytes:
    import zlib

    return fields + zlib.crc32(payload, zlib.crc32(fields)).to_bytes(4, "big") + payload


def _fields(**changes) -> bytes:
    values = {"magic": b"BBR", "version": stream.VERSION, "model": 1, "weights": b"abcd", "width": 64, "height": 64}
    values |= {"quality": 0, "grain": 0} | changes
    return stream._FIELDS.pack(*values.values(), len(PAYLOAD))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"magic": b"PNG"}, "not a Bitbrush stream"),
        ({"version": 3}, "update"),
        ({"version": 1}, "version 1 .* the Bitbrush release that made it"),
        ({"version": 0}, "impossible"),
        ({"model": 9}, "does not know"),
        ({"width": 0}, "impossible"),
        ({"width": 65535, "height": 65535}, "impossible"),
        ({"quality": 4097}, "impossible"),
    ],
)
def test_foreign_headers_say_what_to_do(changes: dict, words: str) -> None:
    with pytest.raises(StreamError, match=words):
        stream.unpack(_with_checksum(_fields(**changes)))


def test_noise_is_refused() -> None:
    rng = np.random.default_rng(0)
    for length in (0, 1, 3, 23, 24, 25, 1000):
        with pytest.raises(StreamError):
            stream.unpack(rng.bytes(length))
