"""What eyes notice of a painted picture, as a loss: LPIPS, local statistics, energy of detail, spectra, and critics."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.critics import Critics, balanced, critic_inputs
from pipeline.training.losses import feature_statistics, local_energy_error, spectrum_error

_MOST_SHIFT = 8
"""Pixels by which the crop is shifted against the grid of LPIPS' network."""
_HALF_SIZE_SHARE = 0.25
"""Of the batches: LPIPS at half size."""
_LPIPS_WEIGHT = 6.0
_STATISTICS_WEIGHT = 1.0
"""Of `feature_statistics` of the LPIPS network's maps."""
_ENERGY_WEIGHT = 0.05
"""Of `local_energy_error`."""
_SPECTRUM_WEIGHT = 3.0
"""Of `spectrum_error`, of the picture as it is: halved or not, the networks' grids would hide in a view."""
_CRITICS_SHARE = 0.5
"""Gradient of the critics at the picture, in units of that of LPIPS, statistics and energy together, at the peak of the
learning rate."""
_CRITICS_LEFT = 0.2
"""Of that share, what is left when the rate has fallen to zero: kept up, the critics take fidelity to the end."""
_CRITIC_SIDE = 128
"""Pixels a side that the critic of pixels is shown, at most: it looks at detail, and costs more than all else."""


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


class Eyes:
    """Judges painted pictures in random views; with critics, these learn in the same step from a loss of their own."""

    def __init__(self, teacher: Teacher, critics: Critics | None = None):
        self.teacher = teacher
        self.critics = critics
        self.critics_share = _CRITICS_SHARE

    def pace(self, factor: float) -> None:
        """Told the learning rate in units of its peak, lets the critics' share fall with it."""
        self.critics_share = _CRITICS_SHARE * (_CRITICS_LEFT + (1 - _CRITICS_LEFT) * factor)

    def __call__(self, images: Tensor, pictures: Tensor, decoded: Tensor, generator: torch.Generator) -> Tensor:
        """``(batch,)``: what is noticed of ``pictures`` painted for ``images``, all ``(batch, 3, H, W)`` in [0, 1];
        ``decoded`` is what the painter was given."""
        spectrum = _SPECTRUM_WEIGHT * spectrum_error(pictures, images)
        view = View.random(generator)
        images, pictures, decoded = view(images), view(pictures), view(decoded)
        with torch.no_grad():
            wanted = self.teacher.stages(images)
        found = self.teacher.stages(pictures)
        perceptual = self._perceptual(images, wanted, pictures, found) + spectrum
        if self.critics is None:
            return perceptual
        with torch.no_grad():
            decoded_stages = self.teacher.stages(decoded)
        part = _part(pictures, generator)
        real = critic_inputs(images[part], wanted, decoded[part], decoded_stages)
        painted = critic_inputs(pictures[part], found, decoded[part], decoded_stages)
        learned = self.critics.loss(real, [each.detach() for each in painted], generator)
        self.critics.requires_grad_(False)
        fooled = F.softplus(self.critics(real) - self.critics(painted)).mean(1)
        self.critics.requires_grad_(True)
        return balanced(perceptual, fooled, pictures, self.critics_share) + learned

    def _perceptual(self, images: Tensor, wanted: list[Tensor], pictures: Tensor, found: list[Tensor]) -> Tensor:
        """LPIPS, local statistics, energy of fine detail, ``(batch,)``; of both with LPIPS' feature maps."""
        lpips = _LPIPS_WEIGHT * self.teacher.distance_of(wanted, found)
        statistics = _STATISTICS_WEIGHT * feature_statistics(wanted, found)
        return lpips + statistics + _ENERGY_WEIGHT * local_energy_error(pictures, images)


def _part(pictures: Tensor, generator: torch.Generator) -> tuple[Any, ...]:
    """Index of a random part of at most `_CRITIC_SIDE` pixels a side."""
    spare = max(0, min(pictures.shape[2:]) - _CRITIC_SIDE)
    top, left = torch.randint(spare + 1, (2,), generator=generator).tolist()
    return ..., slice(top, top + _CRITIC_SIDE), slice(left, left + _CRITIC_SIDE)
