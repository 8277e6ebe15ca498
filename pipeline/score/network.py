"""The network both decoders share: a U-Net that sees the noisy residual, the decoded picture and its scale."""

import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor

from pipeline.precision import native

PATCH = 4
"""Pixels a side of one U-Net position: the picture is pixel-unshuffled by this first."""
TIME_RANGE = 1000
"""Time and quality in [0, 1] enter the U-Net's sinusoidal embeddings multiplied by this."""
GRAIN_RANGE = 4.0
"""Grain enters the networks divided by this many grey levels."""


def build_unet(block_out_channels: tuple[int, ...] = (64, 128, 192), layers_per_block: int = 1) -> UNet2DModel:
    """A fully convolutional `UNet2DModel`: 48 noisy + 48 decoded + 1 scale + 1 grain channels in, 48 out."""
    depth = len(block_out_channels)
    unet: UNet2DModel = UNet2DModel(
        in_channels=2 * 3 * PATCH**2 + 2,
        out_channels=3 * PATCH**2,
        block_out_channels=block_out_channels,
        layers_per_block=layers_per_block,
        down_block_types=("DownBlock2D",) * depth,
        up_block_types=("UpBlock2D",) * depth,
        add_attention=False,
        class_embed_type="timestep",
        norm_num_groups=16,
    )
    return unet


def evaluate(unet: UNet2DModel, x: Tensor, condition: Tensor, time: Tensor, quality: Tensor) -> Tensor:
    """One network evaluation.

    Args:
        x: noisy residual ``(batch, 3, height, width)`` of about unit variance, sides multiples of 16.
        condition: from `make_condition`.
        time: ``(batch,)`` in [0, 1].
        quality: ``(batch,)`` in [0, 1].

    Returns:
        `torch.Tensor` of ``x``'s shape, float32: `v_prediction` or velocity, as the network was trained.
    """
    inputs = torch.cat([F.pixel_unshuffle(x, PATCH), condition], 1).to(unet.dtype)
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    with native(unet.dtype, x.device):
        out: Tensor = unet(inputs, time * TIME_RANGE, class_labels=quality * TIME_RANGE).sample
    return F.pixel_shuffle(out.float(), PATCH)


def make_condition(x_hat: Tensor, scale: Tensor, grain: Tensor) -> Tensor:
    """What the U-Net is told of the decoded picture: ``(batch, 50, height/4, width/4)``.

    ``x_hat`` is ``(batch, 3, height, width)`` in [0, 1]; ``scale`` is ``(batch, 1, height, width)``, shown as its
    logarithm brought near unit range; ``grain`` is ``(batch,)`` in grey levels.
    """
    log_scale = F.avg_pool2d(scale.log(), PATCH) + 3.5
    return torch.cat([F.pixel_unshuffle(x_hat * 2 - 1, PATCH), log_scale, grain_plane(grain, log_scale)], 1)


def grain_plane(grain: Tensor, like: Tensor) -> Tensor:
    """``grain`` ``(batch,)`` in grey levels as a plane ``(batch, 1, height, width)`` near unit range."""
    return (grain.to(like.dtype) / GRAIN_RANGE)[:, None, None, None].expand(-1, 1, *like.shape[2:])
