"""What a painting invents: how far it leaves the picture that was sent, and what differs between its seeds."""

from collections.abc import Sequence

import numpy as np

from pipeline.arrays import Float32, UInt8, strips
from pipeline.comparison.differences import absolute_difference, heat

TOPS = 2, 4, 8, 16, 32, 64
"""Grey levels of which one is drawn brightest."""
_BEYOND = 0.01
"""Share of the pixels that may lie above it."""


def invented(picture: UInt8, x_hat: UInt8) -> Float32:
    """How far a painted ``picture`` leaves ``x_hat``, the decoded picture that was sent.

    Args:
        picture: ``(H, W, 3)`` uint8.
        x_hat: likewise.

    Returns:
        ``(H, W)``: the absolute difference in grey levels of 255, the mean of the three channels.
    """
    return absolute_difference(picture, x_hat)


def seed_spread(pictures: Sequence[UInt8]) -> Float32:
    """What differs between ``pictures`` ``(H, W, 3)`` uint8 that were painted onto one stream with several seeds.

    Returns:
        ``(H, W)``: the standard deviation over the pictures in grey levels of 255, the mean of the three channels.
    """
    bands = (np.stack([picture[rows] for picture in pictures]) for rows in strips(len(pictures[0])))
    return np.concatenate([band.std(0, dtype=np.float32).mean(-1) for band in bands])


def invention_map(levels: Float32) -> tuple[UInt8, int]:
    """What `invented` and `seed_spread` return as a picture, black where it is 0.

    Returns:
        ``(H, W, 3)`` uint8, and the grey level from which on it is brightest: the least of `TOPS` that nearly all
        pixels stay below.
    """
    most = np.quantile(levels, 1 - _BEYOND)
    top = next((top for top in TOPS if top >= most), TOPS[-1])
    return heat(levels, top), top
