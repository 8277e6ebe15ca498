"""Training of the ultra-low system's latent space: L1 + LPIPS from damaged latents, then frozen.

What will be decoded are latents that a few hundred bytes describe: noisy, and without their high frequencies. A decoder
that only ever saw perfect ones would show every block's error as a block.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.metrics.grid import grid_contrast, grid_repetition
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.data import PhotoSet
from pipeline.training.losses import ms_ssim_error
from pipeline.ultralow.vae import BlockVAE

LPIPS_WEIGHT = 0.2
MAX_NOISE = 0.5
"""Of the latents' deviation; each crop has its own share of it."""
CUT_SHARE = 0.5
"""How many crops lose their highest frequencies."""
SQUARED_WEIGHT = 10.0
COARSE_WEIGHT = 15.0
"""Of squared error in the decoder's own training: of damaged and painted latents, and of coarse ones."""
MS_SSIM_WEIGHT = 0.2
GRID_WEIGHT = 0.03
REPETITION_WEIGHT = 0.03
"""Of 1 - MS-SSIM, `grid_contrast` and `grid_repetition`, in the same."""


def damaged(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Latents ``(batch, channels, H, W)``, lowest frequency first, with noise, half of them cut off at some channel."""
    count, channels = latents.shape[:2]
    level = MAX_NOISE * torch.rand(count, 1, 1, 1, generator=generator)
    noise = level * torch.randn(latents.shape, generator=generator)
    kept = torch.randint(channels // 8, channels + 1, (count, 1, 1, 1), generator=generator)
    kept = torch.where(torch.rand(count, 1, 1, 1, generator=generator) < CUT_SHARE, kept, channels)
    mask = torch.arange(channels)[:, None, None] < kept
    return (latents + noise.to(latents.device)) * mask.to(latents.device)


class VAETask:
    """Trains a `BlockVAE`; the coefficients of a fresh one are standardised by the held-out crops first."""

    def __init__(self, model: BlockVAE, teacher: Teacher, validation: PhotoSet, crop: int, fresh: bool = True):
        self.model = model
        self._teacher = teacher
        self._held_out = validation.crops(24, crop, np.random.default_rng(1))
        if fresh:
            with torch.no_grad():
                deviation = model.coefficients(self._held_out).std((0, 2, 3))
            model.deviation.copy_(deviation[:, None, None])

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        yield {"params": list(self.model.parameters()), "lr": learning_rate}

    def _losses(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        decoded = self.model.decode(damaged(self.model.encode(images), generator))
        error = decoded - images
        return error.abs().mean(), self._teacher.distance(images, decoded).mean(), error.square().mean()

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        absolute, lpips, _ = self._losses(images, generator)
        return absolute + LPIPS_WEIGHT * lpips

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        generator = torch.Generator().manual_seed(2)
        absolute, lpips, squared = self._losses(self._held_out.to(self.model.device), generator)
        return {
            "loss": (absolute + LPIPS_WEIGHT * lpips).item(),
            "lpips": lpips.item(),
            "psnr": -10 * torch.log10(squared).item(),
        }

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder, safe_serialization=True)


Decoded = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]
"""Images => the coarse and the painted latents that a trained ultra-low system decodes."""


class VAEDecoderTask(VAETask):
    """Trains the decoder on, the encoder frozen: a third of the crops from damaged latents, a third from the painted
    and a third from the coarse latents of a trained system. Coarse pictures are for squared error, without a grid."""

    def __init__(self, model: BlockVAE, decoded: Decoded, teacher: Teacher, validation: PhotoSet, crop: int):
        super().__init__(model, teacher, validation, crop, fresh=False)
        model.encoder_path.requires_grad_(False)
        self._decoded = decoded

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        yield {"params": list(self.model.decoder_path.parameters()), "lr": learning_rate}

    def _figures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        third = len(images) // 3
        with torch.no_grad():
            coarse, painted = self._decoded(images[third:], generator)
            first = damaged(self.model.encode(images[:third]), generator)
        pictures = self.model.decode(torch.cat([first, painted[:-third], coarse[-third:]]))
        error = pictures - images
        squared = error.square().flatten(1).mean(1)
        figures = {
            "lpips": self._teacher.distance(images[:-third], pictures[:-third]).mean(),
            "ms_ssim": ms_ssim_error(pictures[:-third], images[:-third]).mean(),
            "painted_psnr": (-10 * squared[third:-third].log10()).mean(),
            "coarse_psnr": (-10 * squared[-third:].log10()).mean(),
            "grid": grid_contrast(pictures).mean(),
            "repetition": grid_repetition(pictures).mean(),
        }
        loss = error[:-third].abs().mean() + SQUARED_WEIGHT * squared[:-third].mean()
        loss = loss + COARSE_WEIGHT * squared[-third:].mean()
        loss = loss + LPIPS_WEIGHT * figures["lpips"] + MS_SSIM_WEIGHT * figures["ms_ssim"]
        loss = loss + GRID_WEIGHT * figures["grid"] + REPETITION_WEIGHT * figures["repetition"]
        return {"loss": loss} | figures

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return self._figures(images, generator)["loss"]

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        figures = self._figures(self._held_out.to(self.model.device), torch.Generator().manual_seed(2))
        return {name: value.item() for name, value in figures.items()}
