"""Genuine streams, and what a hostile sender makes of them with the checksum put right."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from pipeline import stream
from pipeline.codec import Codec
from pipeline.settings import SystemName

SMALL = ((1, 1), (17, 60), (64, 64), (90, 130))
LARGE = ((1024, 768),)
_LARGE_SHARE = 0.01
_QUALITIES = (0.0, 0.5, 1.0)
_PAYLOAD_MAX = 2**20


@dataclasses.dataclass(frozen=True)
class Forgery:
    """A stream in parts, so that each can be changed by itself."""

    version: int
    model: int
    weights: bytes
    width: int
    height: int
    quality_code: int
    grain_code: int
    payload: bytes

    @classmethod
    def of(cls, genuine: bytes) -> "Forgery":
        header, payload = stream.unpack(genuine)
        number = next(number for number, name in stream.MODELS.items() if name == header.model_name)
        weights = bytes.fromhex(header.model_hash)
        size = (header.width, header.height)
        return cls(header.version, number, weights, *size, header.quality_code, header.grain_code, payload)

    def sealed(self) -> bytes:
        """The stream, with the length and the checksum that its parts ask for."""
        return stream.assemble(*(getattr(self, field.name) for field in dataclasses.fields(self)))


def genuine_streams(codec: Codec, sizes: tuple[tuple[int, int], ...]) -> list[bytes]:
    """Streams of synthetic pictures of every size and codec, at the lowest, a middle and the highest quality."""
    pictures = [_picture(*size) for size in sizes]
    return [
        codec.encode(picture, quality=quality, codec=name)
        for picture in pictures
        for name in SystemName
        for quality in _QUALITIES
    ]


def _picture(width: int, height: int) -> Image.Image:
    """Soft shapes and grain, always the same."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (3 + height // 32, 3 + width // 32, 3), dtype=np.uint8))
    soft = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64)
    return Image.fromarray((soft + rng.normal(0, 6, soft.shape)).clip(0, 255).astype(np.uint8))


def _flipped(content: bytes, rng: np.random.Generator) -> bytes:
    changed = np.frombuffer(content, np.uint8).copy()
    for bit in rng.integers(0, 8 * len(changed), rng.integers(1, 9)):
        changed[bit // 8] ^= 1 << (bit % 8)
    return changed.tobytes()


def _bit_flips(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    return dataclasses.replace(one, payload=_flipped(one.payload, rng)).sealed()


def _truncation(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    return dataclasses.replace(one, payload=one.payload[: rng.integers(0, len(one.payload))]).sealed()


def _extension(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    length = int(2 ** rng.uniform(0, 16))
    more = (bytes(length), rng.bytes(length), one.payload, other.payload)[rng.integers(4)]
    payload = more + one.payload if rng.random() < 0.5 else one.payload + more
    return dataclasses.replace(one, payload=payload).sealed()


def _splice(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    start = one.payload[: rng.integers(0, len(one.payload) + 1)]
    return dataclasses.replace(one, payload=start + other.payload[rng.integers(0, len(other.payload)) :]).sealed()


def _header_of_another(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    return dataclasses.replace(other, payload=one.payload).sealed()


def _header_field(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    """One to three fields at an extreme or anywhere in their range."""
    bits = {"version": 8, "model": 8, "weights": 32, "width": 16, "height": 16, "quality_code": 16, "grain_code": 8}
    changes: dict[str, Any] = {}
    for name in rng.choice(list(bits), rng.integers(1, 4), replace=False):
        top = 2 ** bits[name] - 1
        value = int(rng.choice([0, 1, 2, 64, 4095, 4096, 4097, 4899, top // 2, top - 1, top, rng.integers(top)]))
        value = min(value, top)
        changes[name] = value.to_bytes(4, "big") if name == "weights" else value
    return dataclasses.replace(one, **changes).sealed()


def _largest_picture(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    width = int(rng.integers(400, 60_000))
    return dataclasses.replace(one, width=width, height=min(65_535, 24_000_000 // width)).sealed()


def _random_payload(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    length = int(_PAYLOAD_MAX ** rng.uniform()) - 1 if rng.random() < 0.9 else int(rng.integers(_PAYLOAD_MAX))
    random = dataclasses.replace(one, payload=rng.bytes(length))
    if rng.random() < _LARGE_SHARE:
        random = dataclasses.replace(random, width=6000, height=4000)
    return random.sealed()


def _unrepaired(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    return _flipped(one.sealed(), rng)


def _noise(one: Forgery, other: Forgery, rng: np.random.Generator) -> bytes:
    return (b"BBR" if rng.random() < 0.5 else b"") + rng.bytes(int(2 ** rng.uniform(0, 12)))


MUTATIONS: dict[str, Callable[[Forgery, Forgery, np.random.Generator], bytes]] = {
    "bit flips": _bit_flips,
    "truncation": _truncation,
    "extension": _extension,
    "splice": _splice,
    "header of another": _header_of_another,
    "header field": _header_field,
    "largest picture": _largest_picture,
    "random payload": _random_payload,
    "checksum not repaired": _unrepaired,
    "noise": _noise,
}


def mutate(small: list[Forgery], large: list[Forgery], seed: int, index: int) -> tuple[str, bytes]:
    """Case ``index`` of a run: the name of its mutation, and the stream."""
    rng = np.random.default_rng((seed, index))
    name = list(MUTATIONS)[index % len(MUTATIONS)]
    pool = large if rng.random() < _LARGE_SHARE else small
    one, other = (pool[place] for place in rng.integers(len(pool), size=2))
    return name, MUTATIONS[name](one, other, rng)
