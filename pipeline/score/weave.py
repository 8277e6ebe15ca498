"""Takes out of what a network has painted the weave that repeats with its own grids.

Of each place in a position of the network, what all positions nearby have in common is no detail of the picture: a
picture knows nothing of those grids. A U-Net has one for each of its depths.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

_LIMIT = 3 / 255
"""Differences well above this are edges and texture, and hardly count."""


def without_weave(painted: Tensor, windows: Mapping[int, int]) -> Tensor:
    """``painted`` ``(batch, 3, height, width)``, a difference to the decoded picture in units of [0, 1], without its
    mean patterns.

    Args:
        windows: pixels a side of a grid's positions, which divide the picture's sides => positions a side that a
            pattern is looked for in; the coarsest grid first.
    """
    for side, window in windows.items():
        painted = painted - _weave(painted, side, window)
    return painted


def _weave(painted: Tensor, side: int, window: int) -> Tensor:
    """The mean pattern of ``side`` × ``side`` pixels around each position."""
    places = F.pixel_unshuffle(painted, side).unflatten(1, (-1, side**2))
    apart = places - places.mean(2, keepdim=True)
    limited = apart / torch.addcmul(torch.ones((), device=apart.device), apart, apart, value=_LIMIT**-2)
    rows, columns = (_box(length, window).to(limited) for length in limited.shape[3:])
    common = rows @ limited @ columns.mT
    return F.pixel_shuffle((common - common.mean(2, keepdim=True)).flatten(1, 2), side)


def _box(length: int, window: int) -> Tensor:
    """``(length, length)``: what takes the mean of a window around each position, of the positions that are there."""
    index = torch.arange(length)
    near = ((index[:, None] - index).abs() <= window // 2).float()
    return near / near.sum(1, keepdim=True)
