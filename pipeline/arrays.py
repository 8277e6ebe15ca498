"""The types of NumPy arrays, and large ones in strips."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]
Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]
Array = npt.NDArray[Any]
"""Of a type known only at run time."""

STRIP = 256
"""Rows of a picture that are worked on at once where all of a large one would take too much memory; a multiple of the
cells of a quality map."""


def strips(height: int) -> Iterator[slice]:
    """Rows ``0 ... height`` as slices of at most `STRIP`."""
    return (slice(top, min(top + STRIP, height)) for top in range(0, height, STRIP))
