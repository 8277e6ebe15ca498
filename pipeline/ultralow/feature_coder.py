"""Latent compression below 0.03 bpp: three encoders' features fused, a few hundred bytes, a coarse reconstruction."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.autoencoder import Latent, QualityMap
from pipeline.entropy.fixed_point import ACTIVATION_ONE
from pipeline.entropy.model import EntropyModel
from pipeline.layers.blocks import ResidualBlock, zero_init
from pipeline.layers.dct import dct_basis, picture_of
from pipeline.layers.model import Model, configured
from pipeline.layers.quality import Knots, QualityBias, uniform_map
from pipeline.search import RateModel, bands, rate_model
from pipeline.stream import QUALITY_STEPS
from pipeline.tiles import Tile
from pipeline.ultralow.encoders import DistortionEncoder
from pipeline.ultralow.vae import DOWN

BLOCK = 32
"""Pixels a side of one coded position."""
ALIGNMENT = 128
"""Picture sides are padded to multiples of this."""
_RATE = (1.09, 1.1)
"""Power and logarithm of the factor of `rate_model`."""
LAMBDA_MIN, LAMBDA_MAX = 4e-6, 1.5e-4
_LOG_SCALES = (-6.0, 2.5)
"""Bounds of the residual's scale: residuals reach 25, and on stripes of full contrast its network answers anything."""


def rate_lambda(quality: Tensor) -> Tensor:
    """The Lagrangian weight of a quality in [0, 1], log-spaced between `LAMBDA_MIN` and `LAMBDA_MAX`."""
    return LAMBDA_MIN * (LAMBDA_MAX / LAMBDA_MIN) ** quality


@dataclass(frozen=True)
class Guidance:
    """What the stream alone says: the coarse latents and the dual features that guide the diffusion model."""

    coarse: Tensor
    """VAE latents ``(batch, latent_channels, H/8, W/8)``."""
    pixel_features: tuple[Tensor, Tensor, Tensor]
    """At 1/8, 1/16 and 1/32 of the picture."""
    semantic: Tensor
    """``(batch, semantic_channels, H/32, W/32)``: the semantic encoder's features of the original, as far as known."""
    log_scale: Tensor
    """Logarithm of the expected size of ``latents - coarse``, of its shape."""

    def crop(self, tile: Tile) -> "Guidance":
        """The part that describes a window of the picture."""

        def cut(x: Tensor, step: int) -> Tensor:
            return x[(..., *tile.slices(step))]

        at8, at16, at32 = self.pixel_features
        return Guidance(
            cut(self.coarse, DOWN),
            (cut(at8, DOWN), cut(at16, 2 * DOWN), cut(at32, BLOCK)),
            cut(self.semantic, BLOCK),
            cut(self.log_scale, DOWN),
        )

    def of(self, samples: slice) -> "Guidance":
        """The part of a batch that describes some of its pictures."""
        at8, at16, at32 = self.pixel_features
        features = (at8[samples], at16[samples], at32[samples])
        return Guidance(self.coarse[samples], features, self.semantic[samples], self.log_scale[samples])


class FeatureCoder(Model):
    """SPRDiff's triple encoder, latent compression and distortion-aware reconstruction (Wei et al. 2026,
    arXiv 2606.01608), with one continuous quality for all rates.

    Linear paths from the picture's 32 × 32 DCT to the VAE's 8 × 8 DCT carry the coarse picture from the first training
    step on; the learned paths start at zero.
    """

    basis: Tensor
    to_latents: Tensor
    latent_deviation: Tensor

    @configured
    def __init__(
        self,
        luma_channels: int = 44,
        chroma_channels: int = 10,
        groups: tuple[int, ...] = (8, 16, 40),
        latent_channels: int = 32,
        linear_channels: tuple[int, int] | None = (24, 4),
        distortion_widths: tuple[int, int, int] = (64, 160, 256),
        distortion_blocks: tuple[int, int, int] = (1, 2, 2),
        semantic_channels: int = 512,
        encoder_widths: tuple[int, int] = (160, 224),
        decoder_widths: tuple[int, int, int] = (96, 160, 256),
        hyper_channels: int = 12,
        feature_channels: int = 48,
        context_channels: int = 96,
        knots: int = 5,
    ):
        """``linear_channels``: luma and chroma coefficients of the `BlockVAE`; None where the latents are another
        VAE's."""
        super().__init__()
        channels = luma_channels + 2 * chroma_channels
        if channels != sum(groups):
            raise ValueError(f"groups {groups} must add up to {channels} latent channels")
        basis = dct_basis(BLOCK, luma_channels, chroma_channels)
        self.register_buffer("basis", basis, persistent=False)
        if linear_channels is None:
            to_latents = torch.zeros(channels, latent_channels, BLOCK // DOWN, BLOCK // DOWN)
        else:
            to_latents = F.conv2d(basis, dct_basis(DOWN, *linear_channels), stride=DOWN)
        self.register_buffer("to_latents", to_latents, persistent=False)
        self.register_buffer("latent_deviation", torch.ones(latent_channels, 1, 1))

        self.distortion_encoder = DistortionEncoder(distortion_widths, distortion_blocks)
        w16, w32 = encoder_widths
        self.from_vae = nn.Conv2d(latent_channels, w16, 3, stride=2, padding=1)
        self.from_distortion = nn.Conv2d(self.distortion_encoder.channels, w16, 1)
        self.from_semantic = nn.Conv2d(semantic_channels, w16, 1)
        self.encoder_bias = QualityBias(w16)
        self.encoder = nn.Sequential(
            ResidualBlock(w16),
            ResidualBlock(w16),
            nn.Conv2d(w16, w32, 3, stride=2, padding=1),
            ResidualBlock(w32),
            ResidualBlock(w32),
            zero_init(nn.Conv2d(w32, channels, 3, padding=1)),
        )
        self.entropy = EntropyModel(tuple(groups), hyper_channels, feature_channels, context_channels, knots)
        steps = torch.sqrt(6 / (rate_lambda(torch.linspace(0, 1, knots)) * math.log(2)))
        self.log_gain = Knots(-steps.log()[:, None].expand(knots, channels))

        d8, d16, d32 = decoder_widths
        self.stem32 = nn.Conv2d(channels, d32, 3, padding=1)
        self.decoder_bias = QualityBias(d32)
        self.stage32 = nn.Sequential(ResidualBlock(d32), ResidualBlock(d32), ResidualBlock(d32))
        self.up16 = nn.Conv2d(d32, 4 * d16, 1)
        self.stage16 = nn.Sequential(ResidualBlock(d16), ResidualBlock(d16), ResidualBlock(d16))
        self.up8 = nn.Conv2d(d16, 4 * d8, 1)
        self.from_linear = nn.Conv2d(latent_channels, d8, 3, padding=1)
        self.stage8 = nn.Sequential(ResidualBlock(d8), ResidualBlock(d8))
        self.head = zero_init(nn.Conv2d(d8, latent_channels, 3, padding=1))
        self.scale_head = zero_init(nn.Conv2d(d8, latent_channels, 3, padding=1))
        self.semantic_head = nn.Sequential(nn.ReLU(), nn.Conv2d(d32, semantic_channels, 1))

    def _gain(self, quality: Tensor) -> Tensor:
        return torch.exp(self.log_gain(uniform_map(quality)))

    def coefficients(self, image: Tensor) -> Tensor:
        """32 × 32 DCT coefficients ``(batch, channels, H/32, W/32)`` of ``image`` ``(batch, 3, H, W)`` in [0, 1], of
        grey levels, float32."""
        with torch.autocast(image.device.type, enabled=False):
            return F.conv2d((image.float() - 0.5) * 255, self.basis.float(), stride=BLOCK)

    @torch.no_grad()
    def rate_model(self, image: Tensor) -> RateModel:
        """How the streams of `compress` should grow with the quality."""
        return rate_model(self.coefficients(bands(image, ALIGNMENT)), self.log_gain, BLOCK, *_RATE)

    def fuse(self, image: Tensor, latents: Tensor, semantic: Tensor) -> Tensor:
        """The three encoders' features, ``(batch, width, H/16, W/16)``; they do not depend on the quality.

        ``image`` is ``(batch, 3, H, W)`` in [0, 1], ``latents`` the VAE's of it, ``semantic`` from `SemanticEncoder`.
        """
        with torch.no_grad():
            distortion = self.distortion_encoder(image)
        fused: Tensor = self.from_vae(latents) + self.from_distortion(distortion) + self.from_semantic(semantic)
        return fused

    def analysis(self, coefficients: Tensor, fused: Tensor, quality: Tensor) -> Tensor:
        """What is coded: ``(batch, channels, H/32, W/32)`` in quantisation steps, float32."""
        path: Tensor = self.encoder(self.encoder_bias(fused, uniform_map(quality)))
        return coefficients * self._gain(quality) + path.float()

    def guidance(self, y_hat: Tensor, quality: Tensor) -> Guidance:
        """Decoded latent in quantisation steps => coarse latents and dual features."""
        with torch.autocast(y_hat.device.type, enabled=False):
            coefficients = y_hat.float() / self._gain(quality)
            linear = picture_of(coefficients, self.to_latents.float() / 255) / self.latent_deviation
        dtype = self.stem32.weight.dtype
        x32 = self.stage32(self.decoder_bias(self.stem32((coefficients / 128).to(dtype)), uniform_map(quality)))
        x16 = self.stage16(F.pixel_shuffle(self.up16(x32), 2))
        x8 = self.stage8(F.pixel_shuffle(self.up8(x16), 2) + self.from_linear(linear.to(dtype)))
        return Guidance(
            coarse=linear + self.head(x8).float(),
            pixel_features=(x8, x16, x32),
            semantic=self.semantic_head(x32),
            # Its likelihood teaches the head alone, not what lies before it.
            log_scale=self.scale_head(x8.detach()).float().clamp(*_LOG_SCALES),
        )

    # -- real streams ------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def compress(self, coefficients: Tensor, fused: Tensor, quality: QualityMap) -> bytes:
        """Entropy-codes what `coefficients` and `fuse` say of one picture; the quality map has no levels."""
        writer = self.entropy.writer()
        self.entropy.write(writer, self.analysis(coefficients, fused, self.quality(quality)), quality.codes)
        return writer.finish()

    @torch.no_grad()
    def decompress(self, payload: bytes, quality_code: int, height: int, width: int) -> Latent:
        """The exact latent of a payload for a padded picture of ``height`` x ``width``.

        Raises:
            StreamError: the payload is not one of `compress` for this quality and size.
        """
        reader = self.entropy.reader(payload)
        quality = QualityMap(quality_code)
        values, scale_indexes = self.entropy.read(reader, quality.codes, height // BLOCK, width // BLOCK)
        reader.finish()
        return Latent(values.int(), scale_indexes, quality)

    def quality(self, quality: QualityMap) -> Tensor:
        """The quality as `analysis` and `guidance` take it."""
        return torch.full((1,), quality.code / QUALITY_STEPS, device=self.device)

    def dequantised(self, latent: Latent) -> Tensor:
        """An exact latent as `guidance` takes it."""
        return latent.values.to(self.device, torch.float32) / ACTIVATION_ONE
