"""Convolutions that are exact on every machine: integer arithmetic carried in float64.

Activations are integers in units of 1/256, weights in units of 1/4096. The products of an output add up to less than
2**52 and its bias is held below that, so that every partial sum stays below 2**53: float64 holds it exactly, whatever
the order of summation, the thread count or the device. Rescaling is a division by a power of two and a floor, exact as
well. Training runs the same network in floating point with the rounding in the loop (straight-through gradients).
"""

from collections.abc import Iterator
from typing import cast

import torch
import torch.nn.functional as F
from compressai.ops import quantize_ste
from torch import Tensor, nn

ACTIVATION_ONE = 256
WEIGHT_ONE = 4096
ACTIVATION_MAX = 2**20
WEIGHT_MAX = 2**15
_SUM_MAX = 2**52
_BIAS_MAX = _SUM_MAX - WEIGHT_ONE
"""Leaves room for the half that rounding adds."""
_STRIP_ELEMENTS = 2**18
"""Inputs held at once: near the caches, and bounds the memory of large pictures."""


class FixedPointConv2d(nn.Conv2d):
    """A stride-1, same-padded convolution with a float forward for training and an exact one for entropy coding.

    The bound behind exactness: ``fan_in * WEIGHT_MAX * ACTIVATION_MAX < 2**52``, checked on construction; inputs must
    lie in -ACTIVATION_MAX ... ACTIVATION_MAX, as outputs do.
    """

    bias: nn.Parameter

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int):
        if in_channels * kernel_size**2 * WEIGHT_MAX * ACTIVATION_MAX >= _SUM_MAX:
            raise ValueError(f"fan-in {in_channels * kernel_size**2} is too large for exact float64 sums")
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        limit = WEIGHT_MAX / WEIGHT_ONE
        weight = quantize_ste(self.weight.clamp(-limit, limit) * WEIGHT_ONE) / WEIGHT_ONE
        out = F.conv2d(x, weight.to(x.dtype), self.bias.to(x.dtype), padding=self.padding)
        rounded: Tensor = quantize_ste(out.float() * ACTIVATION_ONE)
        return rounded / ACTIVATION_ONE

    def integers(self) -> tuple[Tensor, Tensor]:
        """Weight in units of 1/4096 and bias in those of the products, float64."""
        weight = (self.weight.double() * WEIGHT_ONE).round().clamp(-WEIGHT_MAX, WEIGHT_MAX)
        bias = (self.bias.double() * (WEIGHT_ONE * ACTIVATION_ONE)).round().clamp(-_BIAS_MAX, _BIAS_MAX)
        return weight, bias

    def exact(self, x: Tensor) -> Tensor:
        """``x``: integers in units of 1/256, ``(1, in_channels, height, width)``, float32 or float64 => the same with
        the output channels, float64."""
        weight, bias = self.integers()
        return rescaled(products(weight, x).add_(bias[:, None, None]))[None]


def products(weight: Tensor, x: Tensor) -> Tensor:
    """The sums of a convolution before bias and rescaling, ``(out_channels, height, width)`` float64; ``weight`` and
    ``x`` as those of `FixedPointConv2d.exact`."""
    height, width = x.shape[2:]
    kernel = weight.shape[2]
    wide = width + kernel - 1
    padded = F.pad(x[0], [kernel // 2] * 4)
    places = weight.flatten(2).permute(2, 0, 1).contiguous()
    rows = max(1, _STRIP_ELEMENTS // (len(padded) * wide))
    strips = []
    for top in range(0, height, rows):
        count = min(rows, height - top)
        # A place of the kernel sees all of a strip as one run of positions, those beyond the right edge too.
        strip = F.pad(padded[:, top : top + count + kernel - 1].double().flatten(1), [0, kernel - 1])
        sums = strip.new_zeros(len(weight), count * wide)
        for place, matrix in enumerate(places):
            start = place // kernel * wide + place % kernel
            sums.addmm_(matrix, strip[:, start : start + count * wide])
        strips.append(sums.view(len(weight), count, wide)[..., :width])
    return torch.cat(strips, 1)


def rescaled(sums: Tensor) -> Tensor:
    """Sums of products, bias included => activations, in their place."""
    return sums.add_(WEIGHT_ONE // 2).div_(WEIGHT_ONE).floor_().clamp_(-ACTIVATION_MAX, ACTIVATION_MAX)


class FixedPointStack(nn.Sequential):
    """Fixed-point convolutions with ReLUs between them (none after the last)."""

    def __iter__(self) -> Iterator[FixedPointConv2d]:
        return cast(Iterator[FixedPointConv2d], super().__iter__())

    def forward(self, x: Tensor) -> Tensor:
        for index, layer in enumerate(self):
            x = layer(F.relu(x) if index else x)
        return x

    def exact(self, x: Tensor) -> Tensor:
        for index, layer in enumerate(self):
            x = layer.exact(F.relu(x) if index else x)
        return x
