"""Critics that tell painted pictures from photographs, by their pixels and by a frozen network's features.

Each is shown the decoded picture beside the one that it judges. Pairs are judged relative to each other, with penalties
on the critic's slope at both (R3GAN, Huang et al. 2024, arXiv 2501.05441), which differences stand in for.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STAGES = (1, 3, 5)
"""Of LPIPS' feature maps, those that are judged."""
STAGE_CHANNELS = (128, 384, 512)
_WIDTHS = (32, 64, 128, 192)
_HEAD = 128
_NUDGE = 0.02
"""Deviation of the noise, in units of the input's deviation, that measures a critic's slope."""
_SLOPE_WEIGHT = 1.0
CRITIC_BETAS = (0.5, 0.99)
"""Of AdamW, for the critics' weights."""


class Critics(nn.Module):
    """Judges pictures ``(batch, 3, height, width)`` beside what was decoded; answers ``(batch, judgements)``.

    Only differences of answers count, so the last layers have no bias.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(6, _WIDTHS[0], 3, padding=1), nn.LeakyReLU(0.2)]
        for inputs, outputs in pairwise(_WIDTHS):
            layers += [nn.Conv2d(inputs, outputs, 5, 2, padding=2), nn.LeakyReLU(0.2)]
        self.pixels = nn.Sequential(*layers, nn.Conv2d(_WIDTHS[-1], 1, 1, bias=False))
        self.features = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * channels, _HEAD, 1), nn.LeakyReLU(0.2), nn.Conv2d(_HEAD, 1, 1, bias=False))
            for channels in STAGE_CHANNELS
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """``inputs`` as `critic_inputs` makes them; every answer is the mean over the picture of one critic."""
        pixels, *maps = inputs
        answers = [self.pixels(pixels)]
        answers += [head(each) for head, each in zip(self.features, maps, strict=True)]
        return torch.stack([answer.float().flatten(1).mean(1) for answer in answers], 1)

    def loss(self, real: Sequence[Tensor], painted: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """What the critics learn from, ``(batch,)``: their answer to the real inputs above that to the painted ones,
        and little slope at either."""
        to_real, to_painted = self(real), self(painted)
        slopes = [
            (self([_nudged(each, generator) for each in inputs]) - answer).square() / _NUDGE**2
            for inputs, answer in ((real, to_real), (painted, to_painted))
        ]
        loss: Tensor = (F.softplus(to_painted - to_real) + _SLOPE_WEIGHT * (slopes[0] + slopes[1])).mean(1)
        return loss


def critic_inputs(
    picture: Tensor, stages: Sequence[Tensor], x_hat: Tensor, x_hat_stages: Sequence[Tensor]
) -> list[Tensor]:
    """What `Critics` sees of a picture with LPIPS' feature maps, beside the decoded one."""
    maps = [torch.cat([stages[index], x_hat_stages[index]], 1) for index in STAGES]
    # The difference to the decoded picture is what may be wrong; it is small.
    return [torch.cat([8 * (picture - x_hat), 2 * x_hat - 1], 1), *maps]


def _nudged(value: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(value.shape, generator=generator).to(value.device, value.dtype)
    return value + _NUDGE * value.detach().float().std().to(value.dtype) * noise


def balanced(wanted: Tensor, other: Tensor, picture: Tensor, share: float) -> Tensor:
    """A loss whose gradient at ``picture`` is that of the loss ``wanted`` plus that of ``other``, the latter scaled to
    ``share`` of the former's norm in each sample; both losses are ``(batch,)``."""
    (first,) = torch.autograd.grad(wanted.sum(), picture, retain_graph=True)
    (second,) = torch.autograd.grad(other.sum(), picture, retain_graph=True)
    norms = [gradient.flatten(1).norm(dim=1)[:, None, None, None] for gradient in (first, second)]
    gradient = first + share * norms[0] / (norms[1] + 1e-12) * second
    loss: Tensor = (picture * gradient.detach()).flatten(1).sum(1)
    return loss
