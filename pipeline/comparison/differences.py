"""Where two pictures differ, and by how much: the error as a picture on a fixed scale, and the worst region."""

from dataclasses import dataclass

import matplotlib
import numpy as np

from pipeline.arrays import Float32, UInt8

ERROR_TOP = 32
"""Grey levels of absolute error that are drawn brightest."""
_COLOURS: UInt8 = (matplotlib.colormaps["inferno"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)


@dataclass(frozen=True)
class Box:
    """A region of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def crop(self, picture: UInt8) -> UInt8:
        """The region of ``(H, W, …)``."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]

    def shares(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, width and height as fractions of a picture of ``width`` × ``height``."""
        return self.left / width, self.top / height, self.width / width, self.height / height


def error_map(original: UInt8, picture: UInt8) -> UInt8:
    """Absolute error, the mean of the three channels, of ``(H, W, 3)`` uint8 pictures: black 0, brightest from
    `ERROR_TOP` grey levels on. ``(H, W, 3)`` uint8."""
    return heat(absolute_difference(original, picture), ERROR_TOP)


def worst_region(original: UInt8, picture: UInt8, width: int, height: int) -> Box:
    """The box of at most ``width`` × ``height`` pixels that holds the most squared error, on a grid of an eighth."""
    rows, columns = original.shape[:2]
    width, height = min(width, columns), min(height, rows)
    error = np.square(absolute_difference(original, picture), dtype=np.float64)
    total = np.pad(error, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    tops = np.unique(np.r_[np.arange(0, rows - height, max(1, height // 8)), rows - height])
    lefts = np.unique(np.r_[np.arange(0, columns - width, max(1, width // 8)), columns - width])
    sums = (
        total[np.ix_(tops + height, lefts + width)]
        - total[np.ix_(tops, lefts + width)]
        - total[np.ix_(tops + height, lefts)]
        + total[np.ix_(tops, lefts)]
    )
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return Box(int(lefts[column]), int(tops[row]), width, height)


def absolute_difference(one: UInt8, other: UInt8) -> Float32:
    """``(H, W)`` grey levels, the mean of the three channels of ``(H, W, 3)`` uint8 pictures."""
    difference: Float32 = np.abs(np.subtract(one, other, dtype=np.int16)).mean(-1, dtype=np.float32)
    return difference


def heat(values: Float32, top: float) -> UInt8:
    """``values`` ``(H, W)`` as colours ``(H, W, 3)`` uint8: black 0, brightest from ``top`` on."""
    coloured: UInt8 = _COLOURS[np.clip(np.rint(values * (255 / top)), 0, 255).astype(np.uint8)]
    return coloured
