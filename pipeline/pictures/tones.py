"""Samples of more than 8 bits, whole or real numbers, become 16-bit tones."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from pipeline.arrays import Array, UInt16

_WHITE = 65_535
_UNSIGNED_32 = 2**32 - 1
_FEW = 1 << 20
"""Samples of a strip, and samples that say enough about the brightest."""


def is_deep(image: Image.Image) -> bool:
    """Whether the mode holds more than 8 bits a sample."""
    return image.mode.startswith("I") or image.mode == "F"


def to_16_bit(image: Image.Image, top: int | None = None, inverted: bool = False) -> UInt16:
    """A deep picture as ``(height, width)`` uint16, made strip by strip.

    Args:
        top: the sample that stands for white; None for 1 in pictures of real numbers and 65,535 in others.
        inverted: zero stands for white.
    """
    unsigned = top == _UNSIGNED_32
    if image.mode == "F":
        white = _brightest(np.concatenate([_some(strip, image) for _, strip in _strips(image)]))
    elif image.mode != "I" and top in (None, _WHITE):
        white = _WHITE
    else:
        white = _white(max(int(_whole(strip, unsigned).max()) for _, strip in _strips(image)), top or _WHITE)
    tones = np.empty((image.height, image.width), np.uint16)
    for row, strip in _strips(image):
        values = strip if image.mode == "F" else _whole(strip, unsigned)
        if white != _WHITE:
            values = np.clip(np.nan_to_num(values, posinf=np.inf, neginf=0) / white, 0, 1) * _WHITE + 0.5
        else:
            values = np.clip(values, 0, _WHITE)
        tones[row : row + len(strip)] = values
    return ~tones if inverted else tones


def _strips(image: Image.Image) -> Iterator[tuple[int, Array]]:
    """First row and ``(rows, width)`` samples of each strip."""
    rows = max(1, _FEW // image.width)
    for row in range(0, image.height, rows):
        yield row, np.asarray(image.crop((0, row, image.width, min(row + rows, image.height))))


def _whole(strip: Array, unsigned: bool) -> Array:
    return strip.view(np.uint32) if unsigned else strip


def _white(brightest: int, top: int) -> int:
    """White of whole numbers: their full scale, unless a file of 32-bit samples plainly holds 16-bit ones or fewer."""
    if brightest <= _WHITE:
        return min(top, _WHITE)
    return top if brightest > top >> 8 else brightest


def _some(strip: Array, image: Image.Image) -> Array:
    some: Array = strip.ravel()[:: max(1, image.width * image.height // _FEW)]
    finite: Array = some[np.isfinite(some)]
    return finite


def _brightest(samples: Array) -> float:
    """White of real numbers: 1, or what a thousandth of the finite samples lie above, if that is more."""
    return max(1.0, float(np.quantile(samples, 0.999, method="lower"))) if samples.size else 1.0
