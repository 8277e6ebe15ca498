"""The network both decoders share: a U-Net that sees the noisy residual, the decoded picture and its scale."""

import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn

from pipeline.layers.blocks import zero_init
from pipeline.layers.quality import spread
from pipeline.precision import native

PATCH = 4
"""Pixels a side of one U-Net position: the picture is pixel-unshuffled by this first."""
TIME_RANGE = 1000
"""Time and quality in [0, 1] enter the U-Net's sinusoidal embeddings multiplied by this."""
GRAIN_RANGE = 4.0
"""Grain enters the networks divided by this many grey levels."""
_COLOURS = 3 * PATCH**2
_LOG_SCALE_MEAN = -3.5


def build_unet(block_out_channels: tuple[int, ...], layers_per_block: int, told: int) -> UNet2DModel:
    """A fully convolutional `UNet2DModel`: 48 noisy + 48 decoded + 1 scale + 1 grain channels in, and ``told`` others;
    48 out."""
    depth = len(block_out_channels)
    unet: UNet2DModel = UNet2DModel(
        in_channels=2 * _COLOURS + 2 + told,
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
        quality: quality map.

    Returns:
        `torch.Tensor` of ``x``'s shape, float32: `v_prediction`, velocity or `sample`, as the network was trained.
    """
    positions = F.pixel_unshuffle(x, PATCH).to(condition.dtype, memory_format=torch.channels_last)
    inputs = torch.cat([positions, condition], 1).to(unet.dtype, memory_format=torch.channels_last)
    with native(unet.dtype, x.device):
        level = quality.flatten(1).mean(1)
        out: Tensor = unet(inputs, time * TIME_RANGE, class_labels=level * TIME_RANGE).sample
    return F.pixel_shuffle(out.float(), PATCH)


def make_condition(
    x_hat: Tensor, scale: Tensor, grain: Tensor, quality: Tensor | None = None, unsent: Tensor | None = None
) -> Tensor:
    """What the U-Net is told of the decoded picture: ``(batch, 50, height/4, width/4)``, with the quality map and what
    was not sent behind it where they are given.

    ``x_hat`` is ``(batch, 3, height, width)`` in [0, 1]; ``scale`` is ``(batch, 1, height, width)``, shown as its
    logarithm brought near unit range; ``grain`` is ``(batch,)`` in grey levels; ``unsent`` is ``(batch, planes,
    height/16, width/16)``.
    """
    log_scale = F.avg_pool2d(scale.log(), PATCH) - _LOG_SCALE_MEAN
    planes = [F.pixel_unshuffle(x_hat * 2 - 1, PATCH), log_scale, grain_plane(grain, log_scale)]
    if quality is not None:
        planes.append((2 * quality_plane(quality, log_scale) - 1).to(log_scale.dtype))
    if unsent is not None:
        planes.append(spread(unsent, log_scale.shape[2:]).to(log_scale.dtype))
    return torch.cat(planes, 1)


def grain_plane(grain: Tensor, like: Tensor) -> Tensor:
    """``grain`` ``(batch,)`` in grey levels as a plane ``(batch, 1, height, width)`` near unit range."""
    return (grain.to(like.dtype) / GRAIN_RANGE)[:, None, None, None].expand(-1, 1, *like.shape[2:])


def quality_plane(quality: Tensor, like: Tensor) -> Tensor:
    """A quality map at the positions of ``like``: ``(batch, 1, height, width)``."""
    return spread(quality, like.shape[2:]).expand(len(like), 1, *like.shape[2:])


class Refinement(nn.Module):
    """Corrects a prediction at full resolution, where a pixel shuffle alone leaves dots; starts as the identity."""

    def __init__(self, channels: int = 16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(9, channels, 3, padding=1), nn.SiLU(), zero_init(nn.Conv2d(channels, 3, 3, padding=1))
        )

    def forward(self, prediction: Tensor, x: Tensor, condition: Tensor) -> Tensor:
        """The prediction and the noisy residual ``x``, ``(batch, 3, height, width)``, with `make_condition`'s planes
        => the prediction, float32."""
        dtype = next(self.net.parameters()).dtype
        x_hat = F.pixel_shuffle(condition[:, :_COLOURS].to(dtype), PATCH)
        inputs = torch.cat([prediction.to(dtype), x.to(dtype), x_hat], 1).contiguous(memory_format=torch.channels_last)
        correction: Tensor = self.net(inputs)
        return prediction + correction.float()
