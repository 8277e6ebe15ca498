"""Where the bits went: a quality map as a translucent heat map over the picture."""

import numpy as np

from pipeline.arrays import Float32, Float64, UInt8
from pipeline.layers.quality import CELL

_MORE: Float32 = np.array([255, 128, 0], np.float32)
_FEWER: Float32 = np.array([0, 90, 255], np.float32)
_MOST_OPAQUE = 0.6
_LUMA: Float32 = np.array([0.299, 0.587, 0.114], np.float32)


def map_overlay(picture: UInt8, qualities: Float64, width: int, height: int) -> UInt8:
    """``picture`` ``(H, W, 3)`` uint8, in grey, with orange over cells above the mean quality, blue over those below.

    Args:
        qualities: of the cells of a quality map ``(rows, columns)``.
        width: of the coded picture, of which ``picture`` may be a reduced copy.
        height: likewise.
    """
    departure = qualities - qualities.mean()
    opacity = _MOST_OPAQUE * np.abs(departure) / max(np.abs(departure).max(), 1e-6)
    colour = np.where(departure[..., None] > 0, _MORE, _FEWER)
    rows, columns = (
        np.arange(shown) * coded // shown // CELL
        for shown, coded in zip(picture.shape[:2], (height, width), strict=True)
    )
    made = np.empty_like(picture)
    for row in np.unique(rows):
        band = rows == row
        share = opacity[row, columns, None].astype(np.float32)
        grey = (picture[band] @ _LUMA)[..., None]
        made[band] = np.rint(grey * (1 - share) + colour[row, columns] * share)
    return made
