"""The Gaussian scales that symbols are coded with: 64 of them, each with its table."""

from compressai.models.google import get_scale_table
from torch import Tensor

SCALE_LEVELS = 64
SCALE_MIN = 0.11
SCALE_MAX = 128.0


def scale_table() -> Tensor:
    """The Gaussian scales, log-spaced, ``(SCALE_LEVELS,)``; the symbol's scale index points into it."""
    table: Tensor = get_scale_table(SCALE_MIN, SCALE_MAX, SCALE_LEVELS)
    return table
