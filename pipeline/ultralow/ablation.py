"""The ultra-low system without one of its parts, for training beside the whole.

A part is removed by zeros in the weights that lead in from it, which training then leaves alone: what comes out is a
checkpoint like any other.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

import torch
from torch import nn

from pipeline.ultralow.feature_coder import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.training import LossWeights


class Part(StrEnum):
    """What the ablation table removes."""

    DISTORTION_ENCODER = "distortion-encoder"
    """Stage 1's features in the fusion."""
    SEMANTIC_ENCODER = "semantic-encoder"
    """The semantic features in the fusion, and the semantic tokens of the painter."""
    COARSE_GUIDANCE = "coarse-guidance"
    """The painter's view of the coarse latents and of the pixel features; the semantic tokens stay."""


def _silence(modules: Iterable[nn.Module]) -> None:
    for module in modules:
        for parameter in module.parameters():
            nn.init.zeros_(parameter)
            parameter.requires_grad_(False)


def remove(part: Part, coder: FeatureCoder, painter: LatentPainter, weights: LossWeights) -> LossWeights:
    """Takes a part out of a system that is about to be trained; returns the weights of the losses that remain."""
    match part:
        case Part.DISTORTION_ENCODER:
            _silence([coder.from_distortion])
        case Part.SEMANTIC_ENCODER:
            _silence([coder.from_semantic, painter.unet.encoder_hid_proj])
            return replace(weights, semantic=0.0)
        case Part.COARSE_GUIDANCE:
            _silence([*painter.inject, painter.inject_mid])
            own = torch.ones_like(painter.unet.conv_in.weight)
            own[:, own.shape[1] // 2 :] = 0
            with torch.no_grad():
                painter.unet.conv_in.weight.mul_(own)
            painter.unet.conv_in.weight.register_hook(lambda gradient: gradient * own.to(gradient.device))
    return weights
