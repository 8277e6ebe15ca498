"""Where two pictures differ, and by how much: the error as a picture on a fixed scale, and the worst region."""

from dataclasses import dataclass

import matplotlib
import numpy as np

from pipeline.arrays import Float32, Float64, Indexes, UInt8, strips

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
    tops = np.unique(np.r_[np.arange(0, rows - height, max(1, height // 8)), rows - height])
    lefts = np.unique(np.r_[np.arange(0, columns - width, max(1, width // 8)), columns - width])
    squares = (np.square(_error(original[band], picture[band]), dtype=np.float64) for band in strips(rows))
    across = np.concatenate([_window_sums(square.T, lefts, width).T for square in squares])
    sums = _window_sums(across, tops, height)
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return Box(int(lefts[column]), int(tops[row]), width, height)


def _window_sums(values: Float64, starts: Indexes, length: int) -> Float64:
    """Sums of ``length`` rows from each of the ``starts`` on."""
    total = np.pad(values, ((1, 0), (0, 0))).cumsum(0)
    sums: Float64 = total[starts + length] - total[starts]
    return sums


def _error(original: UInt8, picture: UInt8) -> Float32:
    """Absolute error, the sum of the three channels: whole numbers, of which float64 holds every sum exactly."""
    error: Float32 = np.abs(np.subtract(original, picture, dtype=np.int16)).sum(-1, dtype=np.float32)
    return error


def absolute_difference(one: UInt8, other: UInt8) -> Float32:
    """``(H, W)`` grey levels, the mean of the three channels of ``(H, W, 3)`` uint8 pictures."""
    return np.concatenate([_error(one[rows], other[rows]) / 3 for rows in strips(len(one))])


def heat(values: Float32, top: float) -> UInt8:
    """``values`` ``(H, W)`` as colours ``(H, W, 3)`` uint8: black 0, brightest from ``top`` on."""
    coloured: UInt8 = _COLOURS[np.clip(np.rint(values * (255 / top)), 0, 255).astype(np.uint8)]
    return coloured
