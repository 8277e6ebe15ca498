"""The Gaussian scales that symbols are coded with: 64 of them, each with its table."""

import torch
from torch import Tensor

SCALE_LEVELS = 64
SCALE_MIN = 0.11
SCALE_MAX = 128.0


def scale_table() -> Tensor:
    """The Gaussian scales, log-spaced, ``(SCALE_LEVELS,)``; the symbol's scale index points into it."""
    return torch.exp(torch.linspace(torch.tensor(SCALE_MIN).log(), torch.tensor(SCALE_MAX).log(), SCALE_LEVELS))
