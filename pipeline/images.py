"""Pictures in and out: files become upright RGB pictures, pictures become PNG files and tensors."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipeline.arrays import UInt8
from pipeline.pictures import (
    MAX_PIXELS,
    MAX_SIDE,
    PICTURE_SUFFIXES,
    Picture,
    Source,
    image_size,
    load_image,
    read_picture,
    save_png,
)

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "PICTURE_SUFFIXES",
    "Picture",
    "Source",
    "image_size",
    "load_image",
    "pad",
    "padded_size",
    "read_picture",
    "save_png",
    "to_tensor",
    "to_uint8",
]


_ROWS = 512
"""That are converted at once, for large pictures would take as much memory again."""


def to_tensor(image: Image.Image | UInt8) -> Tensor:
    """RGB picture => ``(1, 3, height, width)`` float32 in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().div_(255)


def to_uint8(tensor: Tensor) -> UInt8:
    """``(1, 3, height, width)`` in [0, 1] (clipped) => ``(height, width, 3)`` uint8."""
    strips = tensor[0].split(_ROWS, 1)
    rounded = [strip.float().clamp(0, 1).mul_(255).round_().byte().permute(1, 2, 0).cpu().numpy() for strip in strips]
    return np.concatenate(rounded)


def padded_size(width: int, height: int, multiple: int) -> tuple[int, int]:
    """``(width, height)`` rounded up to multiples."""
    return -(-width // multiple) * multiple, -(-height // multiple) * multiple


def pad(image: Tensor, multiple: int) -> Tensor:
    """Replicates the last row and column until both sides are multiples of ``multiple``."""
    height, width = image.shape[-2:]
    new_width, new_height = padded_size(width, height, multiple)
    return F.pad(image, (0, new_width - width, 0, new_height - height), mode="replicate")
