"""Takes out of a painted residual the weave that repeats with the network's own grid.

Of each of the 4 × 4 places in a position of the network, what all positions nearby have in common is no detail of the
picture: a picture knows nothing of that grid.
"""

import torch.nn.functional as F
from torch import Tensor

_WINDOW = 9
"""Positions a side that a weave is looked for in."""
_LIMIT = 3 / 255
"""Differences well above this are edges and texture, and hardly count."""


def without_weave(residual: Tensor, scale: Tensor, patch: int) -> Tensor:
    """``residual`` ``(batch, 3, height, width)`` without its mean pattern of ``patch`` × ``patch`` pixels, window by
    window; it is in units of ``scale`` ``(batch, 1, height/patch, width/patch)``, that in units of [0, 1]."""
    positions = F.pixel_unshuffle(residual, patch)
    places = positions.unflatten(1, (-1, patch**2)) * scale[:, None]
    apart = places - places.mean(2, keepdim=True)
    common = (apart / (1 + (apart / _LIMIT).square())).flatten(1, 2)
    common = F.pad(common, [_WINDOW // 2] * 4, mode="replicate")
    common = F.avg_pool2d(F.avg_pool2d(common, (_WINDOW, 1), 1), (1, _WINDOW), 1)
    common = common.unflatten(1, (-1, patch**2))
    pattern = (common - common.mean(2, keepdim=True)) / scale[:, None]
    return residual - F.pixel_shuffle(pattern.flatten(1, 2), patch)
