"""Stage 2 trained to paint: the network says what the residual may look like, and eyes judge the picture.

Squared error of v rewards the mean of all that the residual could be. Here the network predicts the residual itself,
from noise alone or from what the sampler has so far, and the losses are those of the painted picture.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.autoencoder import Autoencoder
from pipeline.grain import grain_level
from pipeline.layers.quality import CELL, uniform_map
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.score.critics import Critics, balanced, critic_inputs
from pipeline.score.decoder import starting_noise
from pipeline.score.diffusion import DiffusionDecoder
from pipeline.score.schedule import alpha_sigma
from pipeline.score.start import Start
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
_CRITIC_BETAS = (0.5, 0.99)
_VALIDATION_QUALITIES = (0.2, 0.4, 0.6)
_PAINTED_SHARE, _DECODED_SHARE = 0.5, 0.3
"""Of the other draws, those that start so; the rest starts from the true residual."""


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
    critics: float = 0.5
    """Gradient of the critics at the picture, in units of that of LPIPS, statistics and energy together."""


@dataclass(frozen=True)
class View:
    """What of a crop the networks that judge it are shown: shifted against their grids, at full or at half size."""

    top: int
    left: int
    half: bool

    @classmethod
    def random(cls, generator: torch.Generator) -> "View":
        top, left = torch.randint(_MOST_SHIFT, (2,), generator=generator).tolist()
        return cls(top, left, bool(torch.rand((), generator=generator) < _HALF_SIZE_SHARE))

    def __call__(self, pictures: Tensor) -> Tensor:
        part = pictures[..., self.top : self.top - _MOST_SHIFT, self.left : self.left - _MOST_SHIFT]
        return F.avg_pool2d(part, 2) if self.half else part


@dataclass(frozen=True)
class States:
    """Where on the way from noise to picture a batch is; the shares of each kind are the same in every batch."""

    time: Tensor
    """``(batch,)`` in (0, 1]: 1 is noise alone."""
    start: Tensor
    """``(batch,)`` of `Start`; of no account at time 1."""
    painted: slice
    """The samples below time 1 that started `Start.PAINTED`."""

    @classmethod
    def random(cls, count: int, generator: torch.Generator) -> "States":
        first = round(_FIRST_SHARE * count)
        painted = slice(first, first + round(_PAINTED_SHARE * (count - first)))
        time = torch.ones(count)
        time[first:] = _LEAST_TIME + (1 - _LEAST_TIME) * torch.rand(count - first, generator=generator)
        start = torch.full((count,), Start.TRUE)
        start[painted] = Start.PAINTED
        start[painted.stop : painted.stop + round(_DECODED_SHARE * (count - first))] = Start.DECODED
        return cls(time, start, painted)

    def to(self, device: torch.device) -> "States":
        return States(self.time.to(device), self.start.to(device), self.painted)


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
        critics: Critics | None = None,
    ):
        """``critics``: what the painter is trained against, learning as it does; for the end of a training."""
        self._painter = model
        self._critics = critics
        self.model: nn.Module = model if critics is None else nn.ModuleDict({"painter": model, "critics": critics})
        self._autoencoder = autoencoder.eval().requires_grad_(False)
        self._teacher = teacher
        self._weights = weights
        crops = validation.crops(32, crop, np.random.default_rng(1))
        self._held_out = add_sensor_grain(crops, torch.Generator().manual_seed(3))

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        yield {"params": list(self._painter.parameters()), "lr": learning_rate}
        if self._critics is not None:
            yield {"params": list(self._critics.parameters()), "lr": learning_rate, "betas": _CRITIC_BETAS}

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        images = add_sensor_grain(images, generator)
        quality = _qualities(images, generator).to(images.device)
        x_hat = decoded(self._autoencoder, images, quality)
        scale, condition = self._painter.condition(x_hat, quality, grain_level(images))
        residual = (images - x_hat) / scale
        likelihood = (0.5 * residual.square() + scale.log()).mean()

        states = States.random(len(images), generator).to(images.device)
        noise = starting_noise(images.shape, generator).to(images.device)
        clean = self._clean(residual.detach(), noise, condition, states, quality)
        picture = x_hat + scale.detach() * clean
        # A late start from the decoded picture asks for less perception and more fidelity.
        perception = torch.where(states.start == Start.DECODED, states.time, 1.0)
        error = (clean - residual.detach()).square().flatten(1).mean(1) / states.time.square()
        seen = self._seen(images, picture, x_hat, generator)
        return (self._weights.error * error + perception * seen).mean() + likelihood

    def _clean(self, residual: Tensor, noise: Tensor, condition: Tensor, states: "States", quality: Tensor) -> Tensor:
        """The residual predicted at ``states``."""
        known = torch.where((states.start == Start.TRUE)[:, None, None, None], residual, 0.0)
        painted = states.painted
        if painted.stop > painted.start:
            with torch.no_grad():
                ones = torch.ones_like(states.time[painted])
                known[painted] = self._painter.clean(noise[painted], condition[painted], ones, quality[painted])
        alpha, sigma = alpha_sigma(states.time[:, None, None, None], self._painter.shift)
        return self._painter.clean(alpha * known + sigma * noise, condition, states.time, quality)

    def _seen(self, images: Tensor, pictures: Tensor, x_hat: Tensor, generator: torch.Generator) -> Tensor:
        """What eyes notice of ``pictures``, ``(batch,)``; with an adversary, what it notices too."""
        view = View.random(generator)
        images, pictures, x_hat = view(images), view(pictures), view(x_hat)
        with torch.no_grad():
            wanted = self._teacher.stages(images)
        found = self._teacher.stages(pictures)
        perceptual = self._perceptual(images, wanted, pictures, found)
        if self._critics is None:
            return perceptual
        with torch.no_grad():
            decoded_stages = self._teacher.stages(x_hat)
        real = critic_inputs(images, wanted, x_hat, decoded_stages)
        painted = critic_inputs(pictures, found, x_hat, decoded_stages)
        learned = self._critics.loss(real, [each.detach() for each in painted], generator)
        self._critics.requires_grad_(False)
        fooled = F.softplus(self._critics(real) - self._critics(painted)).mean(1)
        self._critics.requires_grad_(True)
        return balanced(perceptual, fooled, pictures, self._weights.critics) + learned

    def _perceptual(self, images: Tensor, wanted: list[Tensor], pictures: Tensor, found: list[Tensor]) -> Tensor:
        """LPIPS, local statistics, energy of fine detail, ``(batch,)``; of both with LPIPS' feature maps."""
        weights = self._weights
        lpips = weights.lpips * self._teacher.distance_of(wanted, found)
        statistics = weights.statistics * feature_statistics(wanted, found)
        return lpips + statistics + weights.energy * local_energy_error(pictures, images)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Of pictures painted in one step from noise alone: LPIPS, PSNR, local statistics."""
        images = self._held_out.to(self._painter.device)
        noise = starting_noise(images.shape, torch.Generator().manual_seed(2)).to(images.device)
        figures: dict[str, float] = {"loss": 0.0}
        for value in _VALIDATION_QUALITIES:
            quality = torch.full((len(images), 1, 1, 1), value, device=images.device)
            x_hat = decoded(self._autoencoder, images, quality)
            scale, condition = self._painter.condition(x_hat, quality, grain_level(images))
            ones = torch.ones(len(images), device=images.device)
            picture = (x_hat + scale * self._painter.clean(noise, condition, ones, quality)).clamp(0, 1)
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
        self._painter.save_pretrained(folder, safe_serialization=True)


def _qualities(images: Tensor, generator: torch.Generator) -> Tensor:
    """Quality maps of a batch, most of them constant; low rates leave the most to paint and are drawn more often."""
    cells = images.shape[-1] // CELL
    constant = uniform_map(torch.rand(len(images), generator=generator) ** 1.5).expand(-1, -1, cells, cells)
    varied = torch.rand(len(images), 1, 1, 1, generator=generator) < _MAPPED_SHARE
    return torch.where(varied, random_maps(len(images), cells, generator), constant)
