"""Samples of more than 8 bits, whole or real numbers, become 16-bit tones."""

import numpy as np
from PIL import Image

_WHITE = 65_535
_FEW = 1 << 20
"""Samples that say enough about the brightest."""


def is_deep(image: Image.Image) -> bool:
    """Whether the mode holds more than 8 bits a sample."""
    return image.mode.startswith("I") or image.mode == "F"


def to_16_bit(image: Image.Image, top: int | None = None, inverted: bool = False) -> np.ndarray:
    """A deep picture as ``(height, width)`` uint16.

    Args:
        top: the sample that stands for white; None for 1 in pictures of real numbers and 65,535 in others.
        inverted: zero stands for white.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        tones = _scaled(np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=0.0), _brightest(values))
    elif values.dtype.itemsize == 2 and top in (None, _WHITE):
        tones = values.astype(np.uint16, copy=False)
    else:
        unsigned = values.view(np.uint32) if top == 2**32 - 1 else values
        tones = _scaled(unsigned, _white(int(unsigned.max()), top or _WHITE))
    return _WHITE - tones if inverted else tones


def _scaled(values: np.ndarray, top: float) -> np.ndarray:
    tones = np.empty(values.shape, np.uint16)
    for row, out in zip(values, tones, strict=True):
        out[:] = np.clip(row / top, 0, 1) * _WHITE + 0.5
    return tones


def _white(brightest: int, top: int) -> int:
    """White of whole numbers: their full scale, unless a file of 32-bit samples plainly holds 16-bit ones or fewer."""
    if brightest <= _WHITE:
        return min(top, _WHITE)
    return top if brightest > top >> 8 else brightest


def _brightest(values: np.ndarray) -> float:
    """White of real numbers: 1, or what a thousandth of the finite samples lie above, if that is more."""
    some = values.ravel()[:: max(1, values.size // _FEW)]
    some = some[np.isfinite(some)]
    return max(1.0, float(np.quantile(some, 0.999, method="lower"))) if some.size else 1.0
