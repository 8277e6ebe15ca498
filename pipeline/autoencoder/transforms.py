"""Analysis and synthesis transforms: a fixed lapped transform plus a learned path that starts at zero.

Everywhere, the *quality map* is ``(batch, 1, rows, columns)`` in [0, 1], one level for each cell of `CELL` pixels a
side; a map of 1 × 1 is one level for the whole picture.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL = 32
"""Pixels a side of one cell of a quality map."""


def spread(plane: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    """Values of cells ``(batch, channels, rows, columns)``, repeated for the finer positions ``size`` of their area.

    A single value stays single, for broadcasting.
    """
    return plane if plane.shape[2:] == (1, 1) else F.interpolate(plane, size=tuple(size), mode="nearest")


def uniform_map(quality: Tensor) -> Tensor:
    """One quality for each picture ``(batch,)`` => quality maps ``(batch, 1, 1, 1)``."""
    return quality[:, None, None, None]


class ResidualBlock(nn.Module):
    """``x + conv(relu(conv(relu(x))))`` at constant width."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class QualityBias(nn.Module):
    """Adds a learned per-channel bias that depends on the quality, so that one network serves every rate."""

    def __init__(self, channels: int):
        super().__init__()
        self.linear = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, channels))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        """``x`` is ``(batch, channels, height, width)``, ``quality`` a quality map of the same area."""
        bias = self.linear(quality.permute(0, 2, 3, 1).to(x.dtype) * 2 - 1).permute(0, 3, 1, 2)
        return x + spread(bias, x.shape[2:])


class _Stage(nn.Module):
    """Residual blocks at one resolution, told the quality on entry."""

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        self.bias = QualityBias(channels)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        return self.blocks(self.bias(x, quality))


def _reach(blocks: tuple[int, int, int]) -> int:
    """Of the stages at 1/4, 1/8 and 1/16 resolution, in pixels: two 3 × 3 convolutions a block."""
    return sum(2 * count * step for count, step in zip(blocks, (4, 8, 16), strict=True))


def _up_to_cell(pixels: int) -> int:
    return -(-pixels // CELL) * CELL


def zero_init(conv: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv


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
        self.head = zero_init(nn.Conv2d(w16, latent_channels, 3, padding=1))
        self.reach = _up_to_cell(4 + _reach(blocks) + 4 + 8 + 16)
        """Pixels around a block of 16 that its position depends on, at most."""

    def forward(self, image: Tensor, quality: Tensor) -> Tensor:
        x = self.stage4(self.stem(F.pixel_unshuffle(image, 4)), quality)
        x = self.stage8(self.down8(x), quality)
        x = self.stage16(self.down16(x), quality)
        return self.head(x)


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


class Knots(nn.Module):
    """A table of per-channel values, linear in the quality between equally spaced knots."""

    def __init__(self, initial: Tensor):
        """``initial`` is ``(knots, channels)``."""
        super().__init__()
        self.values = nn.Parameter(initial.clone())

    def forward(self, quality: Tensor) -> Tensor:
        """Quality map ``(batch, 1, rows, columns)`` => ``(batch, channels, rows, columns)``, float32."""
        last = len(self.values) - 1
        knots = torch.arange(last + 1, device=quality.device)[None, :, None, None]
        # Each level lies between two knots; the weights of all knots are triangles around them.
        weights = (1 - (quality.float().clamp(0, 1) * last - knots).abs()).clamp(min=0)
        with torch.autocast(quality.device.type, enabled=False):
            return torch.einsum("bkhw,kc->bchw", weights, self.values.float())
