"""Records of a decode as bytes, so that they travel between processes and machines."""

import zlib
from dataclasses import dataclass

import numpy as np

from pipeline.arrays import UInt8
from pipeline.settings import DecodeStep

_LEVEL = 1
"""Of zlib: about a third of the raw size for a twentieth of a network evaluation; more takes longer than it saves."""


@dataclass(frozen=True)
class PackedStep:
    """A `DecodeStep` and the seconds that it took."""

    step: int
    total: int
    sigma: float
    seconds: float
    shape: tuple[int, ...]
    pixels: bytes
    """Lossless: differences to the row above, modulo 256, as PNG's filter "up" takes them, compressed by zlib."""


def pack(record: DecodeStep, seconds: float) -> PackedStep:
    """A record as it travels."""
    image = record.image
    differences = np.diff(image, axis=0, prepend=np.zeros_like(image[:1]))
    pixels = zlib.compress(differences.tobytes(), _LEVEL)
    return PackedStep(record.step, record.total, record.sigma, seconds, image.shape, pixels)


def unpack(packed: PackedStep) -> tuple[DecodeStep, float]:
    """The same record again, bit for bit, and its seconds."""
    differences = np.frombuffer(zlib.decompress(packed.pixels), np.uint8).reshape(packed.shape)
    image: UInt8 = np.add.accumulate(differences, axis=0, dtype=np.uint8)
    return DecodeStep(packed.step, packed.total, packed.sigma, image), packed.seconds
