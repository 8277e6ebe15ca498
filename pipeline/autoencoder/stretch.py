"""A trained autoencoder for a wider range of rates: the same network, with its qualities renamed.

Where old and new ranges overlap, the network does at the same lambda what it did before; further training fills the
rest.
"""

import math
from typing import cast

import torch
from torch import nn

from pipeline.autoencoder import Autoencoder
from pipeline.layers.quality import Knots, QualityBias


@torch.no_grad()
def stretch(model: Autoencoder, lambda_range: tuple[float, float]) -> None:
    """Gives ``model`` another range of Lagrangian weights, in place.

    Tables of values at knots are read off at the new knots, beyond their ends along their last piece. Where the quality
    is an input, its new meaning goes into the weights that lead in: ``q_old = slope q_new + offset``.

    Raises:
        ValueError: the range is empty or not above 0.
    """
    (old_low, old_high), (low, high) = model.lambda_range, lambda_range
    if not 0 < low < high:
        raise ValueError(f"lambda has to rise from above 0, not from {low} to {high}")
    old_span = math.log(old_high / old_low)
    slope, offset = math.log(high / low) / old_span, math.log(low / old_low) / old_span
    for module in model.modules():
        if isinstance(module, Knots):
            _resample(module, slope, offset)
        elif isinstance(module, QualityBias):
            first = cast(nn.Linear, module.linear[0])
            # It is given 2 q - 1.
            _fold(first.weight[:, 0], first.bias, slope, slope + 2 * offset - 1)
    entropy = model.entropy
    for conv in (cast(nn.Conv2d, entropy.hyper_analysis[0]), entropy.hyper_up1, entropy.hyper_up2):
        _fold(conv.weight[:, -1], cast(torch.Tensor, conv.bias), slope, offset)
    for context in entropy.contexts:
        entry, *_ = context
        # The last channel says which half of the checkerboard is coded.
        _fold(entry.weight[:, -2], entry.bias, slope, offset)
    model.reconfigure(lambda_range=tuple(lambda_range))


def _resample(knots: Knots, slope: float, offset: float) -> None:
    values = knots.values
    last = len(values) - 1
    position = (slope * torch.linspace(0, 1, last + 1) + offset) * last
    low = position.floor().clamp(0, last - 1).long()
    values.copy_(torch.lerp(values[low], values[low + 1], (position - low)[:, None]))


def _fold(weight: torch.Tensor, bias: torch.Tensor, slope: float, offset: float) -> None:
    """``weight`` of an input that becomes ``slope x + offset``; zeros beyond the border are left as they are."""
    bias += offset * weight.flatten(1).sum(1) if weight.dim() > 1 else offset * weight
    weight *= slope
