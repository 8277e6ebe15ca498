"""The learned paths of the analysis and synthesis transforms; they start at zero."""

import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.layers.blocks import ResidualBlock, zero_init
from pipeline.layers.quality import CELL, QualityBias


class _Stage(nn.Module):
    """Residual blocks at one resolution, told the quality on entry."""

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        self.bias = QualityBias(channels)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        out: Tensor = self.blocks(self.bias(x, quality))
        return out


def _reach(blocks: tuple[int, int, int]) -> int:
    """Of the stages at 1/4, 1/8 and 1/16 resolution, in pixels: two 3 × 3 convolutions a block."""
    return sum(2 * count * step for count, step in zip(blocks, (4, 8, 16), strict=True))


def _up_to_cell(pixels: int) -> int:
    return -(-pixels // CELL) * CELL


class AnalysisPath(nn.Module):
    """Learned part of the analysis transform: image in [-0.5, 0.5] => latent correction in quantisation steps.

    ``[B, 3, H, W] => [B, latent_channels, H/16, W/16]``; widths are those at 1/4, 1/8 and 1/16 resolution.
    """

    def __init__(self, latent_channels: int, widths: tuple[int, int, int], blocks: tuple[int, int, int]):
        super().__init__()
        w4, w8, w16 = widths
        self.stem = nn.Conv2d(48, w4, 3, padding=1)
        self.stage4 = _Stage(w4, blocks[0])
        self.down8 = nn.Conv2d(w4, w8, 3, stride=2, padding=1)
        self.stage8 = _Stage(w8, blocks[1])
        self.down16 = nn.Conv2d(w8, w16, 3, stride=2, padding=1)
        self.stage16 = _Stage(w16, blocks[2])
        self.head: nn.Module = zero_init(nn.Conv2d(w16, latent_channels, 3, padding=1))
        self.reach = _up_to_cell(4 + _reach(blocks) + 4 + 8 + 16)
        """Pixels around a block of 16 that its position depends on, at most."""

    def forward(self, image: Tensor, quality: Tensor) -> Tensor:
        x = self.stage4(self.stem(F.pixel_unshuffle(image, 4)), quality)
        x = self.stage8(self.down8(x), quality)
        out: Tensor = self.head(self.stage16(self.down16(x), quality))
        return out


class SynthesisPath(nn.Module):
    """Learned part of the synthesis transform: dequantised latent => image correction.

    ``[B, latent_channels, H/16, W/16] => [B, 3, H, W]``; widths are those at 1/4, 1/8 and 1/16 resolution.
    """

    def __init__(self, latent_channels: int, widths: tuple[int, int, int], blocks: tuple[int, int, int]):
        super().__init__()
        w4, w8, w16 = widths
        self.stem = nn.Conv2d(latent_channels, w16, 3, padding=1)
        self.stage16 = _Stage(w16, blocks[2])
        self.up8 = nn.Conv2d(w16, 4 * w8, 3, padding=1)
        self.stage8 = _Stage(w8, blocks[1])
        self.up4 = nn.Conv2d(w8, 4 * w4, 3, padding=1)
        self.stage4 = _Stage(w4, blocks[0])
        self.head = zero_init(nn.Conv2d(w4, 48, 3, padding=1))
        self.reach = _up_to_cell(16 + _reach(blocks) + 16 + 8 + 4)
        """Pixels around a block of 16 that depend on its position, at most."""

    def forward(self, latent: Tensor, quality: Tensor) -> Tensor:
        x = self.stage16(self.stem(latent), quality)
        x = self.stage8(F.pixel_shuffle(self.up8(x), 2), quality)
        x = self.stage4(F.pixel_shuffle(self.up4(x), 2), quality)
        return F.pixel_shuffle(self.head(x), 4)
