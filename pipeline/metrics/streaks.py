"""Streaks: how much of a picture's fine detail lies in exactly horizontal and vertical lines.

Isolated basis functions of a block transform look like that; photographs have little of it. Compare a decoded picture
with its original: a grid of windows has a share of its own.
"""

import torch
import torch.nn.functional as F

from pipeline.arrays import UInt8
from pipeline.errors import ImageError

LINE = 16
"""Pixels of a line."""
_DETAIL = 5
"""Fine detail is what differs from the mean over this many pixels a side."""
_LUMA = (0.299, 0.587, 0.114)


def streak_share(picture: UInt8) -> float:
    """Energy of the means along lines of `LINE` pixels, horizontal and vertical, over the energy of the fine detail of
    luma; ``picture`` is ``(H, W, 3)`` uint8.

    0 to 1; white noise has about 1/10, a picture without any fine detail 0.

    Raises:
        ImageError: a side is shorter than a line.
    """
    if min(picture.shape[:2]) < LINE:
        raise ImageError(f"Streaks need {LINE} pixels a side; measure a larger picture.")
    luma = (torch.from_numpy(picture.copy()).float() @ torch.tensor(_LUMA))[None, None]
    surrounding = F.pad(luma, (_DETAIL // 2,) * 4, mode="replicate")
    detail = luma - F.avg_pool2d(surrounding, _DETAIL, stride=1)
    energy = detail.square().mean()
    lines = [F.avg_pool2d(detail, size, stride=1).square().mean() for size in ((1, LINE), (LINE, 1))]
    return float(sum(lines) / energy) if energy > 0 else 0.0
