"""How a network is told the quality: one number for a picture, or a map of it.

Everywhere, a *quality map* is ``(batch, 1, rows, columns)`` in [0, 1], one level for each cell of `CELL` pixels a side;
a map of 1 × 1 is one level for the whole picture.
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


class QualityBias(nn.Module):
    """Adds a learned per-channel bias that depends on the quality, so that one network serves every rate."""

    def __init__(self, channels: int):
        super().__init__()
        self.linear = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, channels))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        """``x`` is ``(batch, channels, height, width)``, ``quality`` a quality map of the same area."""
        bias = self.linear(quality.permute(0, 2, 3, 1).to(x.dtype) * 2 - 1).permute(0, 3, 1, 2)
        return x + spread(bias, x.shape[2:])


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
