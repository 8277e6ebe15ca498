"""Stage 1's training: ``lambda * 255^2 * squared error + R`` with a quality map drawn for every crop."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.autoencoder import Autoencoder
from pipeline.layers.quality import CELL
from pipeline.training.data import PhotoSet
from pipeline.training.loop import parameter_groups
from pipeline.training.maps import random_maps

FASTER: dict[str, float] = {"log_gain.values": 2, "z_index.values": 40}
"""Parameters that learn at a multiple of the rate; scale indexes count in dozens."""
_VALIDATION_QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


class AutoencoderTask:
    """Rate-distortion training of `Autoencoder`."""

    def __init__(self, model: Autoencoder, validation: PhotoSet, crop: int, weighed_rounding: bool = False):
        """``weighed_rounding``: train on latents rounded as in real streams, for the end of a training."""
        self.model = model
        self._weighed_rounding = weighed_rounding
        self._held_out = validation.crops(48, crop, np.random.default_rng(1))
        self._maps = random_maps(48, crop // CELL, torch.Generator().manual_seed(1))

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        return parameter_groups(self.model, learning_rate, FASTER)

    def _losses(self, images: Tensor, quality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Per sample: the loss of every rate on a like scale, MSE at 255, bits per pixel; ``quality`` is a map."""
        output = self.model(images, quality, self._weighed_rounding or not self.model.training)
        error = F.avg_pool2d((output.reconstruction - images).square().mean(1, keepdim=True), CELL) * 255**2
        bpp = output.bits / images[0, 0].numel()
        weighed = (self.model.rate_lambda(quality) * error).flatten(1).mean(1)
        scale = self.model.rate_lambda(quality.flatten(1).mean(1)) ** -0.4
        return (weighed + bpp) * scale, error.flatten(1).mean(1), bpp

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        quality = random_maps(len(images), images.shape[-1] // CELL, generator).to(images.device)
        return self._losses(images, quality)[0].mean()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        figures: dict[str, float] = {"loss": 0.0}
        images = self._held_out.to(self.model.device)
        for value in _VALIDATION_QUALITIES:
            losses, mse, bpp = self._losses(images, torch.full((len(images), 1, 1, 1), value, device=images.device))
            figures["loss"] += losses.mean().item() / len(_VALIDATION_QUALITIES)
            figures[f"bpp@{value}"] = bpp.mean().item()
            figures[f"psnr@{value}"] = (10 * torch.log10(255**2 / mse)).mean().item()
        figures["loss of maps"] = self._losses(images, self._maps.to(images.device))[0].mean().item()
        return figures

    def save(self, folder: Path) -> None:
        self.model.entropy.update()
        self.model.save_pretrained(folder, safe_serialization=True)
