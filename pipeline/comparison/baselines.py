"""What a repaint has to beat: the same picture with plain grain, and plain codecs at the same bytes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from pipeline.arrays import Float32, UInt8, strips
from pipeline.errors import ImageError
from pipeline.metrics.scores import psnr, psnr_of_parts

with suppress(ImportError):
    import pillow_jxl  # noqa: F401 - teaches Pillow to write and read JPEG XL

MAX_SIGMA = 64.0
_BISECTIONS = 14


@dataclass(frozen=True)
class PlainCodec:
    """A conventional codec at its best documented setting for still pictures that a page can wait for."""

    name: str
    setting: str
    qualities: tuple[int, int] = (0, 100)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name and setting, as tables have it."""
        return f"{self.name} ({self.setting})"


# Progressive JPEG, WebP's sharp_yuv and JPEG XL's effort 9 (six times as slow) gained nothing at 0.15 to 0.5 bpp.
PLAIN_CODECS = {
    "jpeg": PlainCodec("JPEG", "optimised tables", (1, 95), {"optimize": True}),
    "webp": PlainCodec("WebP", "method 6", options={"method": 6}),
    "avif": PlainCodec("AVIF", "speed 6, tune iq", options={"speed": 6, "advanced": {"tune": "iq"}}),
    "jxl": PlainCodec("JPEG XL", "effort 7", options={"effort": 7}),
}


@dataclass(frozen=True)
class PlainResult:
    """A picture through a plain codec."""

    codec: str
    quality: int
    """The codec's own quality setting."""
    data: bytes
    """The whole file."""
    image: UInt8
    """``(H, W, 3)`` uint8, decoded from ``data``."""


def add_grain(picture: UInt8, sigma: float, seed: int = 0) -> UInt8:
    """The grain control: ``(H, W, 3)`` uint8 plus white Gaussian noise of ``sigma`` grey levels."""
    generator = np.random.default_rng(seed)
    bands = (picture[rows] for rows in strips(len(picture)))
    return np.concatenate([_grained(band, _unit_noise(band.shape, generator), sigma) for band in bands])


def matched_grain_sigma(picture: UInt8, original: UInt8, target_psnr: float, seed: int = 0) -> float:
    """The sigma in [0, `MAX_SIGMA`] at which `add_grain` of this seed brings ``picture`` down to ``target_psnr`` dB.

    Bisection on real noisy pictures. 0 when ``picture`` is no better than the target to begin with.
    """
    if psnr(original, picture) <= target_psnr:
        return 0.0
    noise = _unit_noise(picture.shape, np.random.default_rng(seed))

    def reached(sigma: float) -> float:
        bands = strips(len(picture))
        return psnr_of_parts((original[rows], _grained(picture[rows], noise[rows], sigma)) for rows in bands)

    low, high = 0.0, MAX_SIGMA
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if reached(middle) > target_psnr:
            low = middle
        else:
            high = middle
    return high


def encode_plain(image: Image.Image, codec: str, max_bytes: int) -> PlainResult:
    """The best quality of one of `PLAIN_CODECS` whose file is not above ``max_bytes``, by bisection on real files.

    Where even the lowest quality is larger, that one is returned.

    Raises:
        ImageError: the format cannot hold a picture of this size.
    """
    image = Image.fromarray(np.asarray(image.convert("RGB")))  # without profiles and comments, which would cost bytes
    low, high = PLAIN_CODECS[codec].qualities
    best, data = low, _encode(image, codec, low)
    while low < high and len(data) <= max_bytes:
        middle = (low + high + 1) // 2
        candidate = _encode(image, codec, middle)
        if len(candidate) <= max_bytes:
            low = best = middle
            data = candidate
        else:
            high = middle - 1
    return PlainResult(codec, best, data, np.asarray(Image.open(BytesIO(data)).convert("RGB")))


def _unit_noise(shape: tuple[int, ...], generator: np.random.Generator) -> Float32:
    return generator.standard_normal(shape, dtype=np.float32)


def _grained(picture: UInt8, noise: Float32, sigma: float) -> UInt8:
    grained = np.float32(sigma) * noise
    grained += picture
    return np.clip(np.rint(grained, out=grained), 0, 255, out=grained).astype(np.uint8)


def _encode(image: Image.Image, codec: str, quality: int) -> bytes:
    buffer = BytesIO()
    try:
        image.save(buffer, format=codec, quality=quality, **PLAIN_CODECS[codec].options)
    except KeyError:
        raise ImageError(
            f"Pillow cannot write {PLAIN_CODECS[codec].name} here; install the packages of requirements.txt."
        ) from None
    except (OSError, ValueError, RuntimeError):
        name, (width, height) = PLAIN_CODECS[codec].name, image.size
        raise ImageError(
            f"{name} cannot hold a picture of {width} × {height} pixels; crop the picture to compare with it."
        ) from None
    return buffer.getvalue()
