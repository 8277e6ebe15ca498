"""Takes out of a painted residual the weave that repeats with the network's own grids.

Of each place in a position of the network, what all positions nearby have in common is no detail of the picture: a
picture knows nothing of those grids. The U-Net has one for each of its depths.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOWS = {16: 7, 8: 9, 4: 9}
"""Pixels a side of a position, coarse grids first => positions a side that a weave is looked for in."""
_LIMIT = 3 / 255
"""Differences well above this are edges and texture, and hardly count."""


def without_weave(residual: Tensor, scale: Tensor) -> Tensor:
    """``residual`` ``(batch, 3, height, width)`` without its mean patterns, window by window.

    It is in units of ``scale`` ``(batch, 1, height/4, width/4)``, that in units of [0, 1]; sides are multiples of 16.
    """
    units = F.interpolate(scale, scale_factor=4.0)
    painted = residual * units
    for side, window in _WINDOWS.items():
        painted = painted - _weave(painted, side, window)
    return painted / units


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
