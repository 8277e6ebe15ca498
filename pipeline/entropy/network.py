"""The networks of the entropy model, and what they estimate of a stream: a hyperprior with space-channel context.

    y --hyper_analysis--> z --round--> z_hat --hyper_synthesis--> features --+
                                                                            v
    groups of y, low to high frequency, each in two checkerboard passes: context --> mean, scale --> symbols

The design follows the space-channel context of ELIC (He et al. 2022, arXiv 2203.10886) at reduced width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from compressai.entropy_models import GaussianConditional
from compressai.ops import LowerBound, quantize_ste
from torch import Tensor, nn

from pipeline.entropy.fixed_point import ACTIVATION_ONE, FixedPointConv2d, FixedPointStack
from pipeline.entropy.planes import planes_at
from pipeline.entropy.rounding import LIKELIHOOD_MIN, rate_distortion_round, symbol_bits
from pipeline.entropy.scales import SCALE_LEVELS, SCALE_MAX, SCALE_MIN
from pipeline.layers.quality import Knots

INPUT_SHIFT = 8
"""Latents enter the context networks divided by this, to sit near one."""
INDEX_GAIN = 8
INDEX_BIAS = 20
"""A scale index is this gain times what the context networks say, plus this bias."""


@dataclass(frozen=True)
class RateEstimate:
    """Training-time output: the latent with rounding in the loop, estimated bits of each sample ``(batch,)``, and the
    scales that the latent was coded with."""

    y_hat: Tensor
    bits: Tensor
    scales: Tensor


def checkerboard(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """``(1, 1, height, width)`` of 1 at anchors, 0 elsewhere."""
    rows = torch.arange(height, device=device)[:, None] + torch.arange(width, device=device)[None]
    return (rows % 2 == 0)[None, None]


class ContextHyperprior(nn.Module):
    """Rate model of the latent ``y`` ``(batch, sum(groups), height, width)`` in units of the quantisation step."""

    def __init__(
        self, groups: tuple[int, ...], hyper_channels: int, feature_channels: int, context_channels: int, knots: int
    ):
        super().__init__()
        self.groups = groups
        self.hyper_channels = hyper_channels
        channels = sum(groups)
        width = 2 * feature_channels
        self.hyper_analysis = nn.Sequential(
            nn.Conv2d(channels + 1, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, hyper_channels, 5, stride=2, padding=2),
        )
        self.hyper_up1 = FixedPointConv2d(hyper_channels + 1, 4 * width, 3)
        self.hyper_up2 = FixedPointConv2d(width + 1, 4 * feature_channels, 3)
        contexts = [
            FixedPointStack(
                FixedPointConv2d(feature_channels + 2 + sum(groups[: i + 1]), context_channels, 3),
                FixedPointConv2d(context_channels, context_channels, 1),
                FixedPointConv2d(context_channels, 2 * group, 1),
            )
            for i, group in enumerate(groups)
        ]
        self.context = nn.ModuleList(contexts)
        for i, (group, context) in enumerate(zip(groups, contexts, strict=True)):
            *_, last = context
            # A start near the truth: the scale falls from about 6 steps at low frequencies to 0.3 at high ones.
            nn.init.constant_(last.bias[group:], (16 - 9 * i) / INDEX_GAIN)
        self.z_index = Knots(torch.full((knots, hyper_channels), 24.0))
        self.gaussian = GaussianConditional(None, scale_bound=SCALE_MIN)
        self._index_floor = LowerBound(0)

    @property
    def contexts(self) -> list[FixedPointStack]:
        """The context networks, one for each group of channels."""
        return cast(list[FixedPointStack], list(self.context))

    def forward(self, y: Tensor, quality: Tensor, weights: Tensor | None = None) -> RateEstimate:
        """Rounded latent with straight-through gradients, and the estimated bits.

        ``y`` is ``(batch, channels, height, width)`` in quantisation steps, ``quality`` a quality map. With
        ``weights``, which broadcast to the shape of ``y``, the latent is rounded as in a stream, and the bits are those
        of the rounded latent; without, in training, those of a latent with additive noise.
        """
        batch, _, height, width = y.shape
        units = torch.round(quality.float() * ACTIVATION_ONE)
        plane = planes_at(units, (height, width)).expand(batch, -1, -1, -1) / ACTIVATION_ONE
        z = self.hyper_analysis(torch.cat([y, plane], 1))
        z = z.float()
        z_index = self.z_index(planes_at(units, z.shape[2:]) / ACTIVATION_ONE)
        bits = self._bits(z, torch.zeros_like(z), z_index.expand_as(z))
        features = self.hyper_synthesis(quantize_ste(z), units, exact=False)

        anchors = checkerboard(height, width, y.device)
        worth = [None] * len(self.groups) if weights is None else weights.expand_as(y).split(self.groups, 1)
        decoded: list[Tensor] = []
        scales: list[Tensor] = []
        for context, target, weight in zip(self.contexts, y.split(self.groups, 1), worth, strict=True):
            shared = torch.cat([features, *decoded], 1)
            mean, first_index = self._predict(context, shared, torch.zeros_like(target), plane, 0.0)
            first, spent = self._coded(target, mean, first_index, anchors, weight)
            bits = bits + spent
            mean, index = self._predict(context, shared, first * anchors / INPUT_SHIFT, plane, 1.0)
            second, spent = self._coded(target, mean, index, ~anchors, weight)
            bits = bits + spent
            decoded.append(torch.where(anchors, first, second) / INPUT_SHIFT)
            scales.append(self._scales(torch.where(anchors, first_index, index).detach()))
        return RateEstimate(torch.cat(decoded, 1) * INPUT_SHIFT, bits, torch.cat(scales, 1))

    def _coded(
        self, target: Tensor, mean: Tensor, index: Tensor, mask: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What is decoded of ``target``, and the bits of the masked part."""
        if weight is None:
            return quantize_ste(target - mean) + mean, self._bits(target, mean, index, mask)
        values, scales = target - mean, self._scales(index)
        symbols = rate_distortion_round(values, scales, weight)
        bits = (symbol_bits(symbols, scales) * mask).flatten(1).sum(1)
        if self.training:
            # Rounding has no gradient: latent and mean take that of additive noise.
            relaxed = self._bits(target, mean, index.detach(), mask)
            bits = bits + relaxed - relaxed.detach()
        return symbols + mean + target - target.detach(), bits

    def _scales(self, index: Tensor) -> Tensor:
        step = (torch.tensor(SCALE_MAX).log() - torch.tensor(SCALE_MIN).log()) / (SCALE_LEVELS - 1)
        return torch.exp(torch.tensor(SCALE_MIN).log() + self._index_floor(index).clamp(max=SCALE_LEVELS - 1) * step)

    def _bits(self, values: Tensor, means: Tensor, index: Tensor, mask: Tensor | None = None) -> Tensor:
        # Additive noise in training; rounding, as in the stream, in evaluation.
        _, likelihood = self.gaussian(values, self._scales(index), means)
        # compressai's own bound is a buffer, and rounds to zero in an fp16 checkpoint.
        bits = -torch.log2(likelihood.clamp(min=LIKELIHOOD_MIN))
        return (bits if mask is None else bits * mask).flatten(1).sum(1)

    def hyper_synthesis(self, z_hat: Tensor, units: Tensor, exact: bool) -> Tensor:
        """The features behind ``z_hat``, in float for training or ``exact`` for coding; ``units`` is the quality map in
        units of 1/256: integers."""
        run: Callable[[FixedPointConv2d, Tensor], Tensor]
        run = FixedPointConv2d.exact if exact else FixedPointConv2d.__call__
        one = 1 if exact else ACTIVATION_ONE
        batch = len(z_hat)
        x = torch.cat([z_hat, planes_at(units, z_hat.shape[2:]).expand(batch, -1, -1, -1) / one], 1)
        x = F.relu(F.pixel_shuffle(run(self.hyper_up1, x), 2))
        x = torch.cat([x, planes_at(units, x.shape[2:]).expand(batch, -1, -1, -1) / one], 1)
        return F.relu(F.pixel_shuffle(run(self.hyper_up2, x), 2))

    def _predict(
        self, context: FixedPointStack, shared: Tensor, current: Tensor, plane: Tensor, stage: float
    ) -> tuple[Tensor, Tensor]:
        x = torch.cat([shared, current, plane, torch.full_like(plane, stage)], 1)
        mean, index = context(x).chunk(2, 1)
        return mean, index * INDEX_GAIN + INDEX_BIAS
