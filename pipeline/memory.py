"""Memory that is free but kept: glibc holds on to what many small arrays took, in holes that large ones do not fit."""

import ctypes
import sys

_LARGE = 4_000_000
"""Pixels; the work on smaller pictures leaves too little to look for."""


def tidy(pixels: int) -> None:
    """Gives the memory that the work on a picture of so many pixels has freed back to the system, where that can be
    done: on Linux with glibc."""
    if pixels >= _LARGE and sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
