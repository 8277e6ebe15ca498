"""Predicts, from the decoded picture alone, how large the missing detail is at every place."""

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.layers.model import Model, configured
from pipeline.score.network import grain_plane, quality_plane

SCALE_REACH = 64
"""Pixels around a pixel that its scale depends on, at most."""
_LOG_MIN, _LOG_MAX = math.log(0.5 / 255), math.log(0.25)


class ResidualScale(Model):
    """``s(x_hat, q, g)``: the local standard deviation of ``x - x_hat``, trained by Gaussian likelihood.

    The decoders work on ``r = (x - x_hat) / s``. Noise is thus injected on the scale of what is missing: little in a
    sky, much in grass. This is HFD's "less noise than text-to-image" carried to its end.
    """

    @configured
    def __init__(self, channels: int = 64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(50, channels, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, 1, 3, padding=1),
        )
        nn.init.constant_(cast(Tensor, self.net[-1].bias), math.log(0.04))

    def forward(self, x_hat: Tensor, quality: Tensor, grain: Tensor) -> Tensor:
        """``x_hat`` ``(batch, 3, height, width)`` in [0, 1], ``quality`` a quality map, ``grain`` ``(batch,)`` in
        grey levels => scale ``(batch, 1, height, width)`` in units of the [0, 1] picture, float32."""
        x = F.pixel_unshuffle(x_hat * 2 - 1, 4)
        plane = quality_plane(quality, x).to(x.dtype)
        log_scale: Tensor = self.net(torch.cat([x, plane, grain_plane(grain, x)], 1).to(self.dtype)).float()
        log_scale = F.interpolate(log_scale, scale_factor=8, mode="bilinear", align_corners=False)
        return log_scale.clamp(_LOG_MIN, _LOG_MAX).exp()
