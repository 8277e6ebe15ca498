"""Stage 2 trained to paint: the network says what the residual may look like, and eyes judge the picture.

Squared error of v rewards the mean of all that the residual could be. Here the network predicts the residual itself,
from noise alone or from what the sampler has so far, and the losses are those of the painted picture.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.autoencoder import Autoencoder
from pipeline.grain import grain_level
from pipeline.layers.quality import CELL, uniform_map
from pipeline.score.decoder import starting_noise
from pipeline.score.diffusion import DiffusionDecoder
from pipeline.score.schedule import alpha_sigma
from pipeline.score.training import add_sensor_grain, decoded
from pipeline.training.critics import CRITIC_BETAS
from pipeline.training.data import PhotoSet
from pipeline.training.eyes import Eyes
from pipeline.training.losses import feature_statistics
from pipeline.training.maps import random_maps
from pipeline.training.states import States

_MAPPED_SHARE = 0.3
"""Of the crops: a quality map that varies."""
_VALIDATION_QUALITIES = (0.2, 0.4, 0.6)
_ERROR_WEIGHT = 0.12
"""Of the squared error of the residual in units of its scale."""


class RepaintTask:
    """Trains a `DiffusionDecoder` that predicts `sample`, and the scale of its residual by Gaussian likelihood."""

    def __init__(
        self,
        model: DiffusionDecoder,
        autoencoder: Autoencoder,
        eyes: Eyes,
        validation: PhotoSet,
        crop: int,
    ):
        """The critics of ``eyes`` learn as the painter does; they are for the end of a training."""
        self._painter = model
        self._eyes = eyes
        critics = eyes.critics
        self.model: nn.Module = model if critics is None else nn.ModuleDict({"painter": model, "critics": critics})
        self._autoencoder = autoencoder.eval().requires_grad_(False)
        crops = validation.crops(32, crop, np.random.default_rng(1))
        self._held_out = add_sensor_grain(crops, torch.Generator().manual_seed(3))

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        yield {"params": list(self._painter.parameters()), "lr": learning_rate}
        if self._eyes.critics is not None:
            yield {"params": list(self._eyes.critics.parameters()), "lr": learning_rate, "betas": CRITIC_BETAS}

    def pace(self, factor: float) -> None:
        self._eyes.pace(factor)

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        images = add_sensor_grain(images, generator)
        quality = _qualities(images, generator).to(images.device)
        x_hat, unsent = decoded(self._autoencoder, images, quality)
        scale, condition = self._painter.condition(x_hat, quality, unsent, grain_level(images))
        residual = (images - x_hat) / scale
        likelihood = (0.5 * residual.square() + scale.log()).mean()

        states = States.random(len(images), generator).to(images.device)
        noise = starting_noise(images.shape, generator).to(images.device)
        clean = self._clean(residual.detach(), noise, condition, states, quality)
        picture = x_hat + scale.detach() * clean
        error = (clean - residual.detach()).square().flatten(1).mean(1)
        seen = self._eyes(images, picture, x_hat, generator)
        return (_ERROR_WEIGHT * error + states.perception * seen).mean() + likelihood

    def _clean(self, residual: Tensor, noise: Tensor, condition: Tensor, states: States, quality: Tensor) -> Tensor:
        """The residual predicted at ``states``."""

        def answer(some: slice) -> Tensor:
            return self._painter.clean(noise[some], condition[some], torch.ones_like(states.time[some]), quality[some])

        known = states.known(residual, answer)
        alpha, sigma = alpha_sigma(states.time[:, None, None, None], self._painter.shift)
        return self._painter.clean(alpha * known + sigma * noise, condition, states.time, quality)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Of pictures painted in one step from noise alone: LPIPS, PSNR, local statistics."""
        images = self._held_out.to(self._painter.device)
        noise = starting_noise(images.shape, torch.Generator().manual_seed(2)).to(images.device)
        figures: dict[str, float] = {"loss": 0.0}
        for value in _VALIDATION_QUALITIES:
            quality = torch.full((len(images), 1, 1, 1), value, device=images.device)
            x_hat, unsent = decoded(self._autoencoder, images, quality)
            scale, condition = self._painter.condition(x_hat, quality, unsent, grain_level(images))
            ones = torch.ones(len(images), device=images.device)
            painted = self._painter.emphasis * scale * self._painter.clean(noise, condition, ones, quality)
            picture = (x_hat + painted).clamp(0, 1)
            wanted = self._eyes.teacher.stages(images)
            for name, shown in (("decoded", x_hat), ("painted", picture)):
                found = self._eyes.teacher.stages(shown)
                error = (shown - images).square().flatten(1).mean(1)
                figures[f"{name} lpips@{value}"] = self._eyes.teacher.distance_of(wanted, found).mean().item()
                figures[f"{name} statistics@{value}"] = feature_statistics(wanted, found).mean().item()
                figures[f"{name} psnr@{value}"] = (-10 * error.log10()).mean().item()
            figures["loss"] += figures[f"painted lpips@{value}"] / len(_VALIDATION_QUALITIES)
        return figures

    def save(self, folder: Path) -> None:
        self._painter.save_pretrained(folder, safe_serialization=True)


def _qualities(images: Tensor, generator: torch.Generator) -> Tensor:
    """Quality maps of a batch, most of them constant; low rates leave the most to paint and are drawn more often."""
    cells = images.shape[-1] // CELL
    constant = uniform_map(torch.rand(len(images), generator=generator) ** 1.2).expand(-1, -1, cells, cells)
    varied = torch.rand(len(images), 1, 1, 1, generator=generator) < _MAPPED_SHARE
    return torch.where(varied, random_maps(len(images), cells, generator), constant)
