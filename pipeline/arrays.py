"""The types of NumPy arrays."""

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
