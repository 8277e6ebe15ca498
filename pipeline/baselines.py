"""What a repaint has to beat: the same picture with plain grain, and plain codecs at the same bytes."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from pipeline.errors import ImageError
from pipeline.metrics.scores import psnr

PLAIN_CODECS = ("jpeg", "webp", "avif")
MAX_SIGMA = 64.0
_BISECTIONS = 14
_QUALITIES = {"jpeg": (1, 95), "webp": (0, 100), "avif": (0, 100)}
_OPTIONS = {"jpeg": {"optimize": True}, "webp": {"method": 6}, "avif": {"speed": 6}}


@dataclass(frozen=True)
class PlainResult:
    """A picture through a plain codec."""

    codec: str
    quality: int
    """The codec's own quality setting."""
    data: bytes
    """The whole file."""
    image: np.ndarray
    """``(H, W, 3)`` uint8, decoded from ``data``."""


def add_grain(picture: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """The grain control: ``(H, W, 3)`` uint8 plus white Gaussian noise of ``sigma`` grey levels."""
    return _grained(picture, _unit_noise(picture, seed), sigma)


def matched_grain_sigma(picture: np.ndarray, original: np.ndarray, target_psnr: float, seed: int = 0) -> float:
    """The sigma in [0, `MAX_SIGMA`] at which `add_grain` of this seed brings ``picture`` down to ``target_psnr`` dB.

    Bisection on real noisy pictures. 0 when ``picture`` is no better than the target to begin with.
    """
    if psnr(original, picture) <= target_psnr:
        return 0.0
    noise = _unit_noise(picture, seed)
    low, high = 0.0, MAX_SIGMA
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if psnr(original, _grained(picture, noise, middle)) > target_psnr:
            low = middle
        else:
            high = middle
    return high


def encode_plain(image: Image.Image, codec: str, max_bytes: int) -> PlainResult:
    """The best quality of one of `PLAIN_CODECS` whose file is not above ``max_bytes``, by bisection on real files.

    JPEG has optimised tables and 4:2:0, WebP method 6, AVIF speed 6. Where even the lowest quality is larger, that
    one is returned.

    Raises:
        ImageError: the format cannot hold a picture of this size.
    """
    image = Image.fromarray(np.asarray(image.convert("RGB")))  # without profiles and comments, which would cost bytes
    low, high = _QUALITIES[codec]
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


def _unit_noise(picture: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(picture.shape, dtype=np.float32)


def _grained(picture: np.ndarray, noise: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(np.rint(picture + np.float32(sigma) * noise), 0, 255).astype(np.uint8)


def _encode(image: Image.Image, codec: str, quality: int) -> bytes:
    buffer = BytesIO()
    try:
        image.save(buffer, format=codec, quality=quality, **_OPTIONS[codec])
    except (OSError, ValueError):
        width, height = image.size
        raise ImageError(
            f"{codec.upper()} cannot hold a picture of {width} × {height} pixels; crop the picture to compare with it."
        ) from None
    return buffer.getvalue()
