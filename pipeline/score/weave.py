"""Takes out of what a network has painted the weave that repeats with its own grids.

Of each place in a position of the network, what all positions nearby have in common is no detail of the picture: a
picture knows nothing of those grids. A U-Net has one for each of its depths.
"""

from collections.abc import Mapping

import torch
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
    batch, colours, height, width = painted.shape
    rows, columns = height // side, width // side
    # Laid out so that the means over rows and over columns are single products of large matrices.
    grid = painted.reshape(batch, colours, rows, side, columns, side).permute(0, 2, 1, 3, 5, 4)
    places = grid.reshape(batch, rows, colours, side**2, columns)
    apart = places - places.mean(3, keepdim=True)
    limited = apart / torch.addcmul(apart.new_ones(()), apart, apart, value=_LIMIT**-2)
    over_rows = _box(rows, window).to(limited) @ limited.flatten(2)
    common = (over_rows.reshape(-1, columns) @ _box(columns, window).to(limited).mT).reshape(places.shape)
    pattern = (common - common.mean(3, keepdim=True)).reshape(grid.shape)
    return pattern.permute(0, 2, 1, 3, 5, 4).reshape(painted.shape)


def _box(length: int, window: int) -> Tensor:
    """``(length, length)``: what takes the mean of a window around each position, of the positions that are there."""
    index = torch.arange(length)
    near = ((index[:, None] - index).abs() <= window // 2).float()
    return near / near.sum(1, keepdim=True)
