"""Losses of pictures that more than one network is trained with."""

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor
from torch.nn import functional

GRID = 8
"""Pixels a side of the blocks that must not show."""
_NEIGHBOURHOOD = 8
"""Blocks a side over which positions within a block are compared."""
_FLAT = 3e-5
"""Local energy of detail below which a picture counts as flat: about a grey level in each channel."""


def grid_contrast(pictures: Tensor) -> Tensor:
    """How unevenly fine detail lies on the 8 × 8 block grid: dots or seams at the same place of every block.

    Photographs have about 0.03 to 0.1; a texture that is a dot in each block has 0.5 and more.

    Args:
        pictures: ``(batch, 3, H, W)`` in [0, 1], sides multiples of 64.

    Returns:
        ``(batch,)``: the energy of the picture minus its 5 × 5 mean, averaged for each of the 64 positions over 8 × 8
        neighbouring blocks: its variance over the positions in units of its squared mean.
    """
    pictures = pictures.float()
    smooth = functional.avg_pool2d(functional.pad(pictures, [2] * 4, mode="replicate"), 5, 1)
    energy = (pictures - smooth).square().sum(1, keepdim=True)
    phases = functional.avg_pool2d(functional.pixel_unshuffle(energy, GRID), _NEIGHBOURHOOD)
    mean = phases.mean(1)
    return (phases.var(1, correction=0) / (mean + _FLAT).square()).flatten(1).mean(1)


def ms_ssim_error(pictures: Tensor, originals: Tensor) -> Tensor:
    """``1 - MS-SSIM``, ``(batch,)``, of ``(batch, 3, H, W)`` in [0, 1], sides of at least 161."""
    with torch.autocast(pictures.device.type, enabled=False):
        return 1 - ms_ssim(pictures.float(), originals.float(), data_range=1.0, size_average=False)
