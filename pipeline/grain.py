"""How grainy a picture is: one number, measured by the encoder and sent in the header.

Grain is the one kind of detail that a decoded picture says nothing about: the autoencoder removes it all. Without being
told, a decoder can only guess between the clean and the grainy original that would decode to the same picture.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.stream import GRAIN_STEPS

MAX_GRAIN_CODE = 255
_LUMA = (0.299, 0.587, 0.114)
_BLOCK = 16
_QUANTILE = 0.2
_SHARED, _SEPARATE = 0.8, 0.6
"""Sensor grain is mostly the same in red, green and blue; the squares add up to 1."""
_LUMA_PER_LEVEL = math.sqrt(_SHARED**2 + _SEPARATE**2 * sum(weight**2 for weight in _LUMA))
_DARKEST, _BRIGHTEST = 6 / 255, 249 / 255


def grain_level(image: Tensor) -> Tensor:
    """Standard deviation of the luma noise, in grey levels, where the picture is smooth.

    Immerkaer's estimator (1996, doi 10.1006/cviu.1996.0060) on blocks of 16 × 16 pixels, of which the smoothest fifth
    speaks for the picture. Blocks near black or white, where clipping hides noise, are left out.

    Args:
        image: ``(batch, 3, height, width)`` in [0, 1].

    Returns:
        `torch.Tensor` ``(batch,)``; 0 where the picture has no usable block.
    """
    if min(image.shape[2:]) < _BLOCK + 2:
        return image.new_zeros(len(image))
    luma = (image * image.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
    response = luma.diff(n=2, dim=2).diff(n=2, dim=3).abs() / 6
    spread = math.sqrt(math.pi / 2) * 255 * F.avg_pool2d(response, _BLOCK).flatten(1)
    mean = F.avg_pool2d(luma[..., 1:-1, 1:-1], _BLOCK).flatten(1)
    usable = (mean > _DARKEST) & (mean < _BRIGHTEST)
    ordered = spread.masked_fill(~usable, torch.inf).sort(1).values
    rank = ((usable.sum(1) - 1).clamp(min=0) * _QUANTILE).round().long()
    level = ordered.gather(1, rank[:, None])[:, 0]
    return torch.where(usable.any(1), level, 0.0)


def sensor_grain(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """White noise of unit variance in every channel, mostly in luma: ``(batch, 3, height, width)`` on the CPU."""
    batch, channels, height, width = shape
    shared = torch.randn(batch, 1, height, width, generator=generator)
    separate = torch.randn(batch, channels, height, width, generator=generator)
    return separate.mul_(_SEPARATE).add_(shared.mul_(_SHARED))


def channel_deviation(level: Tensor) -> Tensor:
    """Deviation of each channel, in units of the [0, 1] picture, of the `sensor_grain` that has this `grain_level`."""
    return level / (255 * _LUMA_PER_LEVEL)


def grain_code(image: Tensor) -> int:
    """`grain_level` of one picture ``(1, 3, height, width)`` as the integer that the header carries."""
    return min(MAX_GRAIN_CODE, round(grain_level(image).item() * GRAIN_STEPS))
