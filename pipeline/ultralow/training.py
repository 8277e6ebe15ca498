"""Training of the ultra-low system: rate, coarse picture, dual features and diffusion in one loss."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.autoencoder.training import FASTER
from pipeline.entropy.network import RateEstimate
from pipeline.layers.model import frozen, moved
from pipeline.layers.quality import uniform_map
from pipeline.metrics.grid import grid_contrast, grid_repetition
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.data import PhotoSet
from pipeline.training.loop import parameter_groups
from pipeline.training.losses import ms_ssim_error
from pipeline.training.states import Start
from pipeline.ultralow.encoders import SemanticEncoder
from pipeline.ultralow.feature_coder import FeatureCoder, Guidance, rate_lambda
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.vae import BlockVAE, LatentSpace

_VALIDATION_QUALITIES = (0.1, 0.5, 0.9)
_START_SHARES = (0.4, 0.4, 0.2)


@dataclass(frozen=True)
class LossWeights:
    """The loss is ``bpp + lambda(q) * 255^2 * (sum of these) `` for a stream of quality q."""

    coarse: float = 1.3
    """Squared error of the coarse picture."""
    latents: float = 0.1
    """Squared error of the coarse latents, as of the pixels they stand for."""
    painted: float = 0.2
    """Squared error of the painted picture."""
    lpips: float = 0.016
    """LPIPS of the painted picture."""
    ms_ssim: float = 0.1
    """1 - MS-SSIM of the painted picture."""
    grid: float = 0.003
    """`grid_contrast` of both pictures: LPIPS alone is content with the same texture painted into every block."""
    repetition: float = 0.005
    """`grid_repetition` of both pictures: `grid_contrast` alone is content with a weave."""
    diffusion: float = 0.0015
    """Squared error of the predicted residual, in units of its scale."""
    semantic: float = 0.0015
    """Squared error of the semantic features against the semantic encoder's features of the original."""
    scale: float = 0.0015
    """Gaussian likelihood of the residual's scale; it teaches the scale alone."""


class UltraLow(nn.Module):
    """What is trained together: the feature coder and the painter."""

    def __init__(self, coder: FeatureCoder, painter: LatentPainter):
        super().__init__()
        self.coder = coder
        self.painter = painter

    def guide(
        self, images: Tensor, latents: Tensor, semantic: Tensor, quality: Tensor
    ) -> tuple[RateEstimate, Guidance]:
        """``images`` ``(batch, 3, H, W)`` in [0, 1] with the VAE's latents and the semantic features of them, coded at
        ``quality`` ``(batch,)``."""
        coder = self.coder
        y = coder.analysis(coder.coefficients(images), coder.fuse(images, latents, semantic), quality)
        rate = coder.entropy(y, uniform_map(quality))
        return rate, coder.guidance(rate.y_hat, quality)


@torch.no_grad()
def decoded_latents(
    model: UltraLow, vae: LatentSpace, semantic: SemanticEncoder, images: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Coarse and painted latents of ``images`` ``(batch, 3, H, W)`` in [0, 1], at random qualities, painted in one step
    from noise level 1; the networks follow the images to their device."""
    for network in (model, vae, semantic):
        moved(network, images.device)
    quality = torch.rand(len(images), generator=generator).to(images.device)
    _, guidance = model.guide(images, vae.encode(images), semantic(images), quality)
    noise = torch.randn(guidance.coarse.shape, generator=generator).to(images.device)
    clean = model.painter.predict(noise, torch.ones_like(quality), guidance)
    return guidance.coarse, guidance.coarse + guidance.log_scale.exp() * clean


class UltraLowTask:
    """Joint training; VAE, distortion encoder and semantic encoder stay frozen."""

    def __init__(
        self,
        model: UltraLow,
        vae: LatentSpace,
        semantic: SemanticEncoder,
        teacher: Teacher,
        validation: PhotoSet,
        crop: int,
        weights: LossWeights = LossWeights(),
    ):
        self.model = model
        self._vae = frozen(vae)
        self._semantic = frozen(semantic)
        self._teacher = teacher
        self._weights = weights
        self._held_out = validation.crops(24, crop, np.random.default_rng(1))
        model.coder.distortion_encoder.requires_grad_(False)
        if isinstance(vae, BlockVAE):
            model.coder.latent_deviation.copy_(vae.deviation)

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        return parameter_groups(self.model, learning_rate, FASTER)

    def _paint(self, guidance: Guidance, residual: Tensor, noise: Tensor, time: Tensor, start: Tensor) -> Tensor:
        """The residual predicted at ``time``, where the path to it began at ``start`` ``(batch,)``: see `Start`."""
        with torch.no_grad():
            first = self.model.painter.predict(noise, torch.ones_like(time), guidance)
        start, share = start[:, None, None, None], time[:, None, None, None]
        known = torch.where(start == Start.PAINTED, first, torch.where(start == Start.TRUE, residual, 0))
        return self.model.painter.predict((1 - share) * known + share * noise, time, guidance)

    def _losses(self, images: Tensor, quality: Tensor, time: Tensor, noise: Tensor, start: Tensor) -> dict[str, Tensor]:
        """Every part of the loss, ``(batch,)`` each, without its weight."""
        vae = moved(self._vae, images.device)
        with torch.no_grad():
            latents = vae.encode(images)
            semantic = moved(self._semantic, images.device)(images).float()
        rate, guidance = self.model.guide(images, latents, semantic, quality)
        difference = latents - guidance.coarse
        scale = guidance.log_scale.exp()
        residual = (difference / scale).detach()
        clean = self._paint(guidance, residual, noise.to(images.device), time, start)
        coarse = vae.decode(guidance.coarse)
        painted = vae.decode(guidance.coarse + scale.detach() * clean)
        # A start below noise level 1 asks for less perception and more fidelity, from the coarse picture on.
        perception = torch.where(start == Start.DECODED, time, 1.0)
        wanted = nn.functional.avg_pool2d(semantic, 2)
        likelihood = 0.5 * (difference.detach() / scale).square() + guidance.log_scale
        return {
            "bpp": rate.bits / images[0, 0].numel(),
            "coarse": (coarse - images).square().flatten(1).mean(1),
            "latents": vae.pixel_error(difference),
            "painted": (painted - images).square().flatten(1).mean(1),
            "lpips": perception * self._teacher.distance(images, painted),
            "ms_ssim": ms_ssim_error(painted, images),
            "grid": grid_contrast(painted) + grid_contrast(coarse),
            "repetition": grid_repetition(painted) + grid_repetition(coarse),
            "diffusion": (clean - residual).square().flatten(1).mean(1),
            "semantic": (guidance.semantic.float() - wanted).square().flatten(1).mean(1),
            "scale": likelihood.flatten(1).mean(1),
        }

    def _total(self, losses: dict[str, Tensor], quality: Tensor) -> Tensor:
        weight = rate_lambda(quality) * 255**2
        distortion = sum(getattr(self._weights, name) * losses[name] for name in losses if name != "bpp")
        total: Tensor = (losses["bpp"] + weight * distortion) * weight**-0.5
        return total

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        count = len(images)
        quality = torch.rand(count, generator=generator).to(images.device)
        # Half of the draws stand where sampling starts, the others anywhere on the path.
        time = torch.rand(count, generator=generator)
        time = torch.where(torch.arange(count) % 2 == 0, 1.0, time).clamp(min=0.02).to(images.device)
        noise = torch.randn(self._latent_shape(images), generator=generator)
        start = torch.multinomial(torch.tensor(_START_SHARES), count, True, generator=generator).to(images.device)
        return self._total(self._losses(images, quality, time, noise, start), quality).mean()

    def _latent_shape(self, images: Tensor) -> tuple[int, ...]:
        return (len(images), self._vae.latent_channels, images.shape[2] // 8, images.shape[3] // 8)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        figures: dict[str, float] = {"loss": 0.0}
        images = self._held_out.to(self.model.coder.device)
        noise = torch.randn(self._latent_shape(images), generator=torch.Generator().manual_seed(2))
        ones = torch.ones(len(images), device=images.device)
        for value in _VALIDATION_QUALITIES:
            losses = self._losses(images, value * ones, ones, noise, Start.PAINTED * ones)
            figures["loss"] += self._total(losses, value * ones).mean().item() / len(_VALIDATION_QUALITIES)
            figures[f"bpp@{value}"] = losses["bpp"].mean().item()
            for name in ("coarse", "painted"):
                figures[f"{name}_psnr@{value}"] = (-10 * losses[name].log10()).mean().item()
            for name in ("lpips", "ms_ssim", "grid", "repetition", "semantic"):
                figures[f"{name}@{value}"] = losses[name].mean().item()
        return figures

    def save(self, folder: Path) -> None:
        self.model.coder.entropy.update()
        self.model.coder.save_pretrained(folder / "coder", safe_serialization=True)
        self.model.painter.save_pretrained(folder / "painter", safe_serialization=True)
