"""The search for a bitrate: few real streams, guided by how the bits should grow with the quality."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.arrays import Float64
from pipeline.layers.quality import Knots, uniform_map
from pipeline.stream import QUALITY_STEPS, bits_per_pixel

_PIXELS = 2**18
"""That speak for all of a picture."""
_MOST_APART = 8
"""Bands are taken at least as often as every so many: a sky is not all of a picture."""
_QUALITIES = 17
_GUIDED = 6
"""Streams after which the interval is halved instead, as very small pictures need."""


@dataclass(frozen=True)
class RateModel:
    """How many bits per pixel a picture should take at every quality; real streams say how far that is from true."""

    log_bpp: Float64
    """``(QUALITY_STEPS + 1,)``, natural logarithms, one for each quality code."""


def bands(image: Tensor, height: int, step: int = 1) -> Tensor:
    """Evenly spread bands of ``height`` rows of an image ``(1, channels, H, W)``, about `_PIXELS` in all, as one image;
    of large images as high parts of these bands, which are as wide. ``step``: pixels a side of one position."""
    every = -(-image.shape[2] * image.shape[3] * step**2 // _PIXELS)
    rows = min(every, _MOST_APART)
    columns = -(-every // rows)
    chosen: Tensor = image.unflatten(2, (-1, height))[:, :, ::rows].flatten(2, 3)
    return chosen if columns == 1 else chosen.unflatten(3, (-1, height))[..., ::columns, :].flatten(3, 4)


def rate_model(
    coefficients: Tensor,
    log_gain: Knots,
    block: int,
    power: float,
    log_factor: float,
    shifts: Tensor | None = None,
) -> RateModel:
    """From the linear coefficients of a transform ``(1, channels, rows, columns)``, each position a block of so many
    pixels a side.

    A coefficient of ``z`` quantisation steps is taken to cost ``log(1 + (2 z)^2)``, and real streams a power of the
    sum that is the same for all pictures. ``log_gain``: one over the quantisation step, a logarithm. ``shifts``: by how
    many quality codes each position ``(rows, columns)`` departs from the picture's.
    """
    squares = (2 * coefficients[0].flatten(1)).square()
    given = torch.zeros(squares.shape[1]) if shifts is None else shifts.flatten()
    gains = log_gain(uniform_map(torch.linspace(0, 1, _QUALITIES, device=squares.device)))[:, :, 0].exp()
    codes, coarse = np.arange(QUALITY_STEPS + 1), np.linspace(0, QUALITY_STEPS, _QUALITIES)
    total = np.zeros(len(codes))
    for shift in given.unique():
        part = squares[:, given == shift]
        costs = torch.stack([torch.log1p(gain.square() * part).sum() for gain in gains]).cpu().double().numpy()
        total += np.exp(np.interp(codes + shift.item(), coarse, np.log(np.maximum(costs, 1e-6))))
    return RateModel(power * np.log(total / squares.shape[1] / block**2) + log_factor)


def search_bitrate(encode_at: Callable[[int], bytes], bpp: float, tolerance: float, model: RateModel) -> bytes:
    """The largest stream of at most ``bpp`` that is found; the smallest possible one where none is.

    The search ends with a stream at most ``tolerance`` of ``bpp`` below it, or with neighbouring qualities on its two
    sides. What real streams took is compared with the ``model``, and the difference interpolated between them.

    Args:
        encode_at: quality codes => streams, whose size grows with the code.
    """
    low, high = -1, QUALITY_STEPS + 1
    codes = np.arange(QUALITY_STEPS + 1)
    differences: dict[int, float] = {}
    best = smallest = b""
    aim = np.log(bpp * (1 - tolerance / 2))
    while high - low > 1:
        expected = model.log_bpp
        if differences:
            tried = sorted(differences)
            expected = expected + np.interp(codes, tried, [differences[code] for code in tried])
        code = low + 1 + int(np.abs(expected[low + 1 : high] - aim).argmin())
        if len(differences) >= _GUIDED:
            code = (low + high) // 2
        stream = encode_at(code)
        rate = bits_per_pixel(stream)
        differences[code] = np.log(rate) - model.log_bpp[code]
        if rate <= bpp:
            low, best = code, stream
            if rate >= bpp * (1 - tolerance):
                break
        else:
            high, smallest = code, stream
    return best or smallest
