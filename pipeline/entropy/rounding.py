"""Rounding in the encoder that weighs the bits of a symbol against the error it leaves."""

import torch
from torch import Tensor

_STRENGTH = 0.5
"""Share of the saved bits that counts: symbols also inform the prediction of later ones."""
LIKELIHOOD_MIN = 1e-9


@torch.no_grad()
def rate_distortion_round(values: Tensor, scales: Tensor, weights: Tensor) -> Tensor:
    """Rounds to the nearest integer, or to its neighbour towards zero where that is worth it.

    The neighbour is taken where ``weight * (increase of the squared error) < 0.5 * (bits saved)``, the usual
    rate-distortion optimised quantisation of video encoders (Sullivan and Wiegand 1998). The decoder needs not know.

    Args:
        values: latents minus their predicted means, in quantisation steps, any shape.
        scales: the Gaussian scales they are coded with, same shape.
        weights: bits that a squared error of one step is worth, same shape.

    Returns:
        The symbols: integers in the dtype of ``values``.
    """
    symbols = torch.round(values)
    open_ = symbols.nonzero(as_tuple=True)  # zero has no neighbour nearer to zero
    values, scales, weights, nearest = (each[open_] for each in (values, scales, weights, symbols))
    smaller = nearest - nearest.sign()
    increase = (values - smaller).square() - (values - nearest).square()
    saved = symbol_bits(nearest, scales) - symbol_bits(smaller, scales)
    symbols[open_] = torch.where(weights * increase < _STRENGTH * saved, smaller, nearest)
    return symbols


def symbol_bits(symbols: Tensor, scales: Tensor) -> Tensor:
    """Bits of each of the integer ``symbols`` under a zero-mean Gaussian of ``scales``, same shape; differentiable.

    The lower tail is the precise one.
    """
    upper = 0.5 - symbols.abs()
    likelihood = torch.special.ndtr(upper / scales) - torch.special.ndtr((upper - 1) / scales)
    return -torch.log2(likelihood.clamp(min=LIKELIHOOD_MIN))
