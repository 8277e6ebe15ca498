"""What a stream does not say, by frequency: how much detail the entropy model expects that rounding took away.

The decoder knows the scale that every coefficient was coded with, also where its symbol was 0: a stream that says
nothing of grass still says that there is grass. Painters are told.
"""

import math

import torch
from torch import Tensor

from pipeline.layers.dct import Coefficient

UNSENT_PLANES = 15
_RINGS = (2.0, 4.0, 7.0, 10.0)
"""Inner radii of the rings of luma frequencies, in half periods a block; what is below the first is one band."""
_CHROMA_RING = 3.0
"""Inner radius of chroma's high band."""
_SLOPE = 2.0
"""Above it, a frequency counts as horizontal or vertical."""
_LEAST = 0.01
"""Squared steps: below what the least scale leaves, for bands that a small network keeps no coefficient of."""
_LOG_MEAN = -3.5
"""Between the logarithms for the least scale, 0.11 steps, and for large ones: -4.6 and -2.5."""


def band_weights(coefficients: list[Coefficient]) -> Tensor:
    """``(UNSENT_PLANES, channels)`` float32, rows of sum 1: which coefficients each band is the mean of.

    Luma has a low band, then horizontal, vertical and diagonal ones in each ring; chroma a low and a high one.
    """
    weights = torch.zeros(UNSENT_PLANES, len(coefficients))
    for channel, coefficient in enumerate(coefficients):
        weights[_band(coefficient), channel] = 1
    return weights / weights.sum(1, keepdim=True).clamp(min=1)


def _band(coefficient: Coefficient) -> int:
    across, down = coefficient.column, coefficient.row
    radius = math.hypot(across, down)
    if coefficient.plane > 0:
        return UNSENT_PLANES - 2 + (radius >= _CHROMA_RING)
    ring = sum(radius >= inner for inner in _RINGS)
    if ring == 0:
        return 0
    direction = 0 if across > _SLOPE * down else 1 if down > _SLOPE * across else 2
    return 3 * ring - 2 + direction


def rounded_away(scales: Tensor) -> Tensor:
    """The squared error that rounding to whole steps leaves of Gaussians of these deviations, all in steps: about
    ``s² / (1 + 12 s²)``, all of it where it is coded as 0, a twelfth where it is fine enough to be sent."""
    energy = scales.float().square()
    return energy / (1 + 12 * energy)


def unsent_planes(errors: Tensor, weights: Tensor) -> Tensor:
    """The logarithm of what is missing in each band, in squared steps, near unit range.

    Args:
        errors: `rounded_away` of the scales that the latent was coded with, ``(batch, channels, rows, columns)``.
        weights: of `band_weights`.

    Returns:
        ``(batch, UNSENT_PLANES, rows, columns)`` float32.
    """
    with torch.autocast(errors.device.type, enabled=False):
        bands = torch.einsum("bchw,kc->bkhw", errors, weights.to(errors))
    return bands.clamp(min=_LEAST).log() - _LOG_MEAN
