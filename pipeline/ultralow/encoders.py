"""The two frozen encoders beside the VAE: one made for distortion, one for meaning. Only the sender needs them."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.autoencoder import Autoencoder
from pipeline.autoencoder.transforms import AnalysisPath
from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet

STRIDE = 16
"""Pixels a side of one position of either encoder's features."""
_QUALITY = 0.3
"""The quality at which stage 1's analysis is asked: a coarse one."""


class DistortionEncoder(nn.Module):
    """The features before the head of stage 1's analysis transform, a network trained for MSE alone."""

    def __init__(self, widths: tuple[int, int, int], blocks: tuple[int, int, int]):
        super().__init__()
        self.path = AnalysisPath(1, widths, blocks)
        self.path.head = nn.Identity()
        self.channels = widths[-1]

    def copy_from(self, autoencoder: Autoencoder) -> None:
        """Takes over the weights of a finished stage 1 of the same widths."""
        weights = autoencoder.analysis_path.state_dict()
        self.path.load_state_dict({name: value for name, value in weights.items() if not name.startswith("head.")})

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, 3, H, W)`` in [0, 1] => ``(batch, channels, H/16, W/16)``."""
        features: Tensor = self.path(image - 0.5, torch.full_like(image[:, :1, :1, :1], _QUALITY))
        return features


class SemanticEncoder(Protocol):
    """A frozen network trained on what pictures show: ours, or a public one."""

    @property
    def channels(self) -> int: ...

    def __call__(self, image: Tensor) -> Tensor:
        """``(batch, 3, H, W)`` in [0, 1] => ``(batch, channels, H/16, W/16)``, of about unit size."""
        ...


class SqueezeSemantics(nn.Module):
    """The last map of the distilled SqueezeNet."""

    def __init__(self, network: DistilledSqueezeNet):
        from lpips import ScalingLayer

        super().__init__()
        self.scaling_layer = ScalingLayer().to(network.device, network.dtype)
        self.network = network
        self.channels = len(network.last.mean)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, 3, H, W)`` in [0, 1] => ``(batch, channels, H/16, W/16)``, of about unit size.

        SqueezeNet has no margins, so its smaller map is stretched: positions depend on the size of the picture.
        """
        features = self.network(self.scaling_layer(2 * image - 1))[-1] / self.network.last.deviation
        size = (image.shape[2] // STRIDE, image.shape[3] // STRIDE)
        return F.interpolate(features, size=size, mode="bilinear", align_corners=False)
