"""The frozen latent space of the ultra-low system: a small convolutional autoencoder, 8 pixels a side of a position."""

from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.layers.blocks import ResidualBlock, zero_init
from pipeline.layers.dct import dct_basis, picture_of
from pipeline.layers.model import Model, configured

DOWN = 8
"""Pixels a side of one latent position."""


class LatentSpace(Protocol):
    """What the ultra-low system needs of a VAE: ours, or a public one."""

    @property
    def latent_channels(self) -> int: ...

    def encode(self, image: Tensor) -> Tensor:
        """``(batch, 3, H, W)`` in [0, 1] => latents ``(batch, latent_channels, H/8, W/8)`` of about unit variance."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents => ``(batch, 3, H, W)``, not yet clamped to [0, 1]."""
        ...

    def pixel_error(self, difference: Tensor) -> Tensor:
        """The squared error of pixels, ``(batch,)``, that a difference of latents stands for, roughly."""
        ...


class BlockVAE(Model):
    """An 8 × 8 colour DCT that keeps its lowest frequencies, with learned paths around it that start at zero.

    It is a variational autoencoder whose posterior variance is set, not learned: training adds white noise to the
    latents, which have about unit variance. Trained on L1 + LPIPS, then frozen; see `pipeline.ultralow.vae_training`.
    """

    basis: Tensor
    deviation: Tensor

    @configured
    def __init__(
        self,
        luma_channels: int = 24,
        chroma_channels: int = 4,
        widths: tuple[int, int] = (64, 128),
    ):
        super().__init__()
        channels = luma_channels + 2 * chroma_channels
        w4, w8 = widths
        self.register_buffer("basis", dct_basis(DOWN, luma_channels, chroma_channels), persistent=False)
        self.register_buffer("deviation", torch.ones(channels, 1, 1))
        """Standard deviation of each DCT coefficient over photographs, of pictures in [0, 1]."""
        self.encoder_path = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, w4, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(w4, w8, 3, stride=2, padding=1),
            ResidualBlock(w8),
            zero_init(nn.Conv2d(w8, channels, 3, padding=1)),
        )
        self.decoder_path = nn.Sequential(
            nn.Conv2d(channels, w8, 3, padding=1),
            ResidualBlock(w8),
            ResidualBlock(w8),
            nn.Conv2d(w8, 4 * w4, 3, padding=1),
            nn.PixelShuffle(2),
            ResidualBlock(w4),
            ResidualBlock(w4),
            zero_init(nn.Conv2d(w4, 48, 3, padding=1)),
            nn.PixelShuffle(4),
        )

    @property
    def latent_channels(self) -> int:
        return len(self.deviation)

    def coefficients(self, image: Tensor) -> Tensor:
        """DCT coefficients ``(batch, channels, H/8, W/8)`` of ``image`` ``(batch, 3, H, W)`` in [0, 1], float32."""
        with torch.autocast(image.device.type, enabled=False):
            return F.conv2d(image.float() - 0.5, self.basis.float(), stride=DOWN)

    def encode(self, image: Tensor) -> Tensor:
        """``(batch, 3, H, W)`` in [0, 1], sides multiples of 8 => latents ``(batch, channels, H/8, W/8)``, float32, of
        about unit variance."""
        path: Tensor = self.encoder_path(image - 0.5)
        return self.coefficients(image) / self.deviation + path.float()

    def decode(self, latents: Tensor) -> Tensor:
        """Latents => ``(batch, 3, H, W)``, not yet clamped to [0, 1], float32."""
        with torch.autocast(latents.device.type, enabled=False):
            linear = picture_of(latents.float() * self.deviation, self.basis.float())
        path: Tensor = self.decoder_path(latents.to(cast(nn.Conv2d, self.decoder_path[0]).weight.dtype))
        return linear + path.float() + 0.5

    def pixel_error(self, difference: Tensor) -> Tensor:
        """Exact for what the DCT keeps, which is orthonormal: squared errors of coefficients are those of pixels."""
        return (difference * self.deviation).square().flatten(1).sum(1) / (3 * DOWN**2 * difference[0, 0].numel())
