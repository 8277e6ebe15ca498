"""The ultra-low painter trained on what eyes notice, its coder as it is: streams stay valid.

The latent space's decoder learns along: what it made of latents that a few hundred bytes describe was the mean of
pictures. Coarse pictures come from it too, and are held by their squared error.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.layers.model import frozen, moved
from pipeline.metrics.grid import grid_contrast, grid_repetition
from pipeline.training.critics import CRITIC_BETAS
from pipeline.training.data import PhotoSet
from pipeline.training.eyes import Eyes
from pipeline.training.losses import feature_statistics, ms_ssim_error
from pipeline.training.states import States
from pipeline.ultralow.encoders import SemanticEncoder
from pipeline.ultralow.feature_coder import Guidance
from pipeline.ultralow.training import UltraLow
from pipeline.ultralow.vae import BlockVAE

_VALIDATION_QUALITIES = (0.1, 0.5, 0.9)
_WEIGHTS = {
    "residual": 0.1,
    "painted": 100.0,
    "coarse": 400.0,
    "ms_ssim": 5.0,
    "grid": 0.5,
    "repetition": 5.0,
}
"""Of the squared errors of the residual in units of its scale, of the painted and of the coarse picture, of 1 - MS-SSIM
and of both measures of the grid, beside what `Eyes` notice."""


class UltraLowRepaintTask:
    """Trains the painter and the latent space's decoder of a finished system, and the critics of ``eyes``."""

    def __init__(
        self, system: UltraLow, vae: BlockVAE, semantic: SemanticEncoder, eyes: Eyes, validation: PhotoSet, crop: int
    ):
        self._system = system
        self._vae = vae
        self._semantic = frozen(semantic)
        self._eyes = eyes
        self._painter = system.painter
        frozen(system.coder)
        vae.encoder_path.requires_grad_(False)
        learning: dict[str, nn.Module] = {"painter": system.painter, "decoder": vae.decoder_path}
        if eyes.critics is not None:
            learning["critics"] = eyes.critics
        self.model: nn.Module = nn.ModuleDict(learning)
        self._held_out = validation.crops(24, crop, np.random.default_rng(1))

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        painter, decoder = self._painter.parameters(), self._vae.decoder_path.parameters()
        yield {"params": [*painter, *decoder], "lr": learning_rate}
        if self._eyes.critics is not None:
            yield {"params": list(self._eyes.critics.parameters()), "lr": learning_rate, "betas": CRITIC_BETAS}

    @torch.no_grad()
    def _guidance(self, images: Tensor, quality: Tensor) -> tuple[Guidance, Tensor]:
        """What the stream of each picture says, and the true residual of its latents in units of their scale."""
        for network in (self._system.coder, self._vae, self._semantic):
            moved(network, images.device)
        latents = self._vae.encode(images)
        _, guidance = self._system.guide(images, latents, self._semantic(images), quality)
        return guidance, (latents - guidance.coarse) / guidance.log_scale.exp()

    def _clean(self, residual: Tensor, noise: Tensor, guidance: Guidance, states: States) -> Tensor:
        """The residual predicted at ``states``; paths are straight."""

        def answer(some: slice) -> Tensor:
            return self._painter.predict(noise[some], torch.ones_like(states.time[some]), guidance.of(some))

        known = states.known(residual, answer)
        share = states.time[:, None, None, None]
        return self._painter.predict((1 - share) * known + share * noise, states.time, guidance)

    def pace(self, factor: float) -> None:
        self._eyes.pace(factor)

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        quality = torch.rand(len(images), generator=generator).to(images.device)
        states = States.random(len(images), generator).to(images.device)
        guidance, residual = self._guidance(images, quality)
        noise = torch.randn(residual.shape, generator=generator).to(images.device)
        clean = self._clean(residual, noise, guidance, states)
        painted = self._vae.decode(guidance.coarse + guidance.log_scale.exp() * clean)
        coarse = self._vae.decode(guidance.coarse)
        losses = {
            "residual": _squared(clean, residual),
            "painted": _squared(painted, images),
            "coarse": _squared(coarse, images),
            "ms_ssim": ms_ssim_error(painted, images),
            "grid": grid_contrast(painted) + grid_contrast(coarse),
            "repetition": grid_repetition(painted) + grid_repetition(coarse),
        }
        noticed = states.perception * self._eyes(images, painted, coarse.detach(), generator)
        return (noticed + torch.stack([_WEIGHTS[name] * part for name, part in losses.items()]).sum(0)).mean()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Of pictures painted in one step from noise alone, and of coarse ones."""
        images = self._held_out.to(self._painter.device)
        wanted = self._eyes.teacher.stages(images)
        figures: dict[str, float] = {"loss": 0.0}
        for value in _VALIDATION_QUALITIES:
            guidance, residual = self._guidance(images, torch.full((len(images),), value, device=images.device))
            noise = torch.randn(residual.shape, generator=torch.Generator().manual_seed(2)).to(images.device)
            clean = self._painter.predict(noise, torch.ones(len(images), device=images.device), guidance)
            latents = {"coarse": guidance.coarse, "painted": guidance.coarse + guidance.log_scale.exp() * clean}
            for name, coded in latents.items():
                shown = self._vae.decode(coded).clamp(0, 1)
                found = self._eyes.teacher.stages(shown)
                measured = {
                    "psnr": -10 * _squared(shown, images).log10(),
                    "ms_ssim": 1 - ms_ssim_error(shown, images),
                    "lpips": self._eyes.teacher.distance_of(wanted, found),
                    "statistics": feature_statistics(wanted, found),
                    "grid": grid_contrast(shown),
                    "repetition": grid_repetition(shown),
                }
                figures |= {f"{name} {what}@{value}": part.mean().item() for what, part in measured.items()}
            figures["loss"] += figures[f"painted lpips@{value}"] / len(_VALIDATION_QUALITIES)
        return figures

    def save(self, folder: Path) -> None:
        self._painter.save_pretrained(folder / "painter", safe_serialization=True)
        self._vae.save_pretrained(folder / "vae", safe_serialization=True)


def _squared(pictures: Tensor, wanted: Tensor) -> Tensor:
    return (pictures - wanted).square().flatten(1).mean(1)
