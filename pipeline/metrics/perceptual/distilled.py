"""The distilled backbone of LPIPS: a SqueezeNet of ours, trained to give the official one's seven feature maps."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.layers.model import Model, configured

_WIDTHS = (64, 128, 128, 256, 256, 384, 384, 512, 512)
"""Channels of the first convolution and of the eight fire modules."""
_POOLED = (1, 3, 5)
"""Blocks that begin with max pooling."""
_MAPS = (0, 2, 4, 5, 6, 7, 8)
"""Blocks whose output LPIPS compares."""


class Fire(nn.Module):
    """1 × 1 squeeze => ReLU => 1 × 1 and 3 × 3 expand, concatenated (Iandola et al. 2016), before its last ReLU."""

    def __init__(self, in_channels: int, squeeze_channels: int, out_channels: int):
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze_channels, 1)
        self.expand1x1 = nn.Conv2d(squeeze_channels, out_channels // 2, 1)
        self.expand3x3 = nn.Conv2d(squeeze_channels, out_channels // 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1)


class Block(nn.Module):
    """The first convolution or a fire module, after max pooling where SqueezeNet 1.1 has it.

    The output is the map before its ReLU, in units of the channel's ``deviation`` around its ``mean``.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, layer: nn.Module, out_channels: int, pooled: bool):
        super().__init__()
        self.layer = layer
        self.pooled = pooled
        self.register_buffer("mean", torch.zeros(out_channels, 1, 1))
        self.register_buffer("deviation", torch.ones(out_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(functional.max_pool2d(x, 3, 2, ceil_mode=True) if self.pooled else x)
        return out

    def activate(self, standardised: Tensor) -> Tensor:
        """The next block's input, from what `forward` returned."""
        return (standardised * self.deviation + self.mean).relu()


class DistilledSqueezeNet(Model):
    """Takes the place of the ImageNet backbone inside ``lpips.LPIPS(net="squeeze")``."""

    @configured
    def __init__(self, squeeze_channels: tuple[int, ...] = (24, 24, 48, 48, 72, 72, 96, 96)):
        """``squeeze_channels``: of the eight fire modules; half as many again as SqueezeNet 1.1's."""
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, _WIDTHS[0], 3, stride=2)]
        for inside, squeeze, outside in zip(_WIDTHS[:-1], squeeze_channels, _WIDTHS[1:], strict=True):
            layers.append(Fire(inside, squeeze, outside))
        self.blocks = nn.ModuleList(
            Block(layer, width, index in _POOLED)
            for index, (layer, width) in enumerate(zip(layers, _WIDTHS, strict=True))
        )

    @property
    def each_block(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))

    @property
    def last(self) -> Block:
        """The block of the smallest map."""
        return self.each_block[-1]

    def forward(self, x: Tensor) -> list[Tensor]:
        """``(batch, 3, height, width)``, scaled by LPIPS's scaling layer => the seven maps, float32, not negative."""
        maps = []
        for block in self.each_block:
            x = block.activate(block(x))
            maps.append(x)
        return [maps[index] for index in _MAPS]
