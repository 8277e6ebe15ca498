"""Stage 2 trained to paint: the network says what the residual may look like, and eyes judge the picture.

Squared error of v rewards the mean of all that the residual could be. Here the network predicts the residual itself,
from noise alone or from what the sampler has so far, and the losses are those of the painted picture.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.autoencoder import Autoencoder
from pipeline.grain import grain_level
from pipeline.layers.quality import CELL, uniform_map
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.score.decoder import starting_noise
from pipeline.score.diffusion import DiffusionDecoder
from pipeline.score.schedule import alpha_sigma
from pipeline.score.training import add_sensor_grain, decoded
from pipeline.training.data import PhotoSet
from pipeline.training.losses import feature_statistics, local_energy_error
from pipeline.training.maps import random_maps

_FIRST_SHARE = 5 / 8
"""Of the draws: time 1, where sampling starts from noise alone."""
_LEAST_TIME = 0.05
_MAPPED_SHARE = 0.3
"""Of the crops: a quality map that varies."""
_MOST_SHIFT = 8
"""Pixels by which the crop is shifted against the grid of LPIPS' network."""
_HALF_SIZE_SHARE = 0.25
"""Of the batches: LPIPS at half size."""
_VALIDATION_QUALITIES = (0.2, 0.4, 0.6)


class Start(IntEnum):
    """What a noisy residual holds beside the noise, below time 1."""

    PAINTED = 0
    """The network's own answer to the noise alone, as in the second step of sampling."""
    DECODED = 1
    """Nothing, as where sampling starts from the decoded picture."""
    TRUE = 2
    """The true residual, as diffusion models are usually trained; sampling never meets it."""


_START_SHARES = (0.5, 0.3, 0.2)


@dataclass(frozen=True)
class RepaintWeights:
    """Of the parts of the loss."""

    error: float = 0.3
    """Squared error of the residual in units of its scale, over the squared time."""
    lpips: float = 6.0
    statistics: float = 1.0
    """`feature_statistics` of the LPIPS network's maps."""
    energy: float = 0.05
    """`local_energy_error`."""


class RepaintTask:
    """Trains a `DiffusionDecoder` that predicts `sample`, and the scale of its residual by Gaussian likelihood."""

    def __init__(
        self,
        model: DiffusionDecoder,
        autoencoder: Autoencoder,
        teacher: Teacher,
        validation: PhotoSet,
        crop: int,
        weights: RepaintWeights = RepaintWeights(),
    ):
        self.model = model
        self._autoencoder = autoencoder.eval().requires_grad_(False)
        self._teacher = teacher
        self._weights = weights
        crops = validation.crops(32, crop, np.random.default_rng(1))
        self._held_out = add_sensor_grain(crops, torch.Generator().manual_seed(3))

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        yield {"params": list(self.model.parameters()), "lr": learning_rate}

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        images = add_sensor_grain(images, generator)
        quality = _qualities(images, generator).to(images.device)
        x_hat = decoded(self._autoencoder, images, quality)
        scale, condition = self.model.condition(x_hat, quality, grain_level(images))
        residual = (images - x_hat) / scale
        likelihood = (0.5 * residual.square() + scale.log()).mean()

        count = len(images)
        time = _LEAST_TIME + (1 - _LEAST_TIME) * torch.rand(count, generator=generator)
        time = torch.where(torch.rand(count, generator=generator) < _FIRST_SHARE, 1.0, time).to(images.device)
        start = torch.multinomial(torch.tensor(_START_SHARES), count, True, generator=generator).to(images.device)
        noise = starting_noise(images.shape, generator).to(images.device)
        clean = self._clean(residual.detach(), noise, condition, time, start, quality)
        picture = x_hat + scale.detach() * clean
        # A late start from the decoded picture asks for less perception and more fidelity.
        perception = torch.where(start == Start.DECODED, time, 1.0)
        error = (clean - residual.detach()).square().flatten(1).mean(1) / time.square()
        seen = self._perceptual(images, picture, generator)
        return (self._weights.error * error + perception * seen).mean() + likelihood

    def _clean(
        self, residual: Tensor, noise: Tensor, condition: Tensor, time: Tensor, start: Tensor, quality: Tensor
    ) -> Tensor:
        """The residual predicted at ``time``, where the path to it began at ``start`` ``(batch,)``: see `Start`."""
        known = torch.where((start == Start.TRUE)[:, None, None, None], residual, 0.0)
        second = (start == Start.PAINTED) & (time < 1)
        if second.any():
            with torch.no_grad():
                ones = torch.ones_like(time[second])
                known[second] = self.model.clean(noise[second], condition[second], ones, quality[second])
        alpha, sigma = alpha_sigma(time[:, None, None, None], self.model.shift)
        return self.model.clean(alpha * known + sigma * noise, condition, time, quality)

    def _perceptual(self, images: Tensor, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """What eyes notice, ``(batch,)``: LPIPS off its grid, local statistics, energy of fine detail."""
        top, left = torch.randint(_MOST_SHIFT, (2,), generator=generator).tolist()
        half = torch.rand((), generator=generator) < _HALF_SIZE_SHARE

        def seen(batch: Tensor) -> Tensor:
            part = batch[..., top : top - _MOST_SHIFT, left : left - _MOST_SHIFT]
            return F.avg_pool2d(part, 2) if half else part

        with torch.no_grad():
            wanted = self._teacher.stages(seen(images))
        found = self._teacher.stages(seen(pictures))
        weights = self._weights
        lpips = weights.lpips * self._teacher.distance_of(wanted, found)
        statistics = weights.statistics * feature_statistics(wanted, found)
        return lpips + statistics + weights.energy * local_energy_error(pictures, images)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Of pictures painted in one step from noise alone: LPIPS, PSNR, local statistics."""
        images = self._held_out.to(self.model.device)
        noise = starting_noise(images.shape, torch.Generator().manual_seed(2)).to(images.device)
        figures: dict[str, float] = {"loss": 0.0}
        for value in _VALIDATION_QUALITIES:
            quality = torch.full((len(images), 1, 1, 1), value, device=images.device)
            x_hat = decoded(self._autoencoder, images, quality)
            scale, condition = self.model.condition(x_hat, quality, grain_level(images))
            ones = torch.ones(len(images), device=images.device)
            picture = (x_hat + scale * self.model.clean(noise, condition, ones, quality)).clamp(0, 1)
            wanted = self._teacher.stages(images)
            for name, shown in (("decoded", x_hat), ("painted", picture)):
                found = self._teacher.stages(shown)
                error = (shown - images).square().flatten(1).mean(1)
                figures[f"{name} lpips@{value}"] = self._teacher.distance_of(wanted, found).mean().item()
                figures[f"{name} statistics@{value}"] = feature_statistics(wanted, found).mean().item()
                figures[f"{name} psnr@{value}"] = (-10 * error.log10()).mean().item()
            figures["loss"] += figures[f"painted lpips@{value}"] / len(_VALIDATION_QUALITIES)
        return figures

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder, safe_serialization=True)


def _qualities(images: Tensor, generator: torch.Generator) -> Tensor:
    """Quality maps of a batch, most of them constant; low rates leave the most to paint and are drawn more often."""
    cells = images.shape[-1] // CELL
    constant = uniform_map(torch.rand(len(images), generator=generator) ** 1.5).expand(-1, -1, cells, cells)
    varied = torch.rand(len(images), 1, 1, 1, generator=generator) < _MAPPED_SHARE
    return torch.where(varied, random_maps(len(images), cells, generator), constant)
