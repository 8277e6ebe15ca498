"""Does the grid of 8 × 8 blocks show? How unevenly detail lies on it, and how much detail repeats itself with it.

Both are losses of the ultra-low system, too; as yardsticks they are compared with what photographs have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.arrays import Float64, UInt8

GRID = 8
"""Pixels a side of the blocks that must not show."""
_NEIGHBOURHOOD = 8
"""Blocks a side over which positions within a block are compared."""
_WINDOW = 64
_SHIFTS = (GRID, 2 * GRID, 4 * GRID)
"""Pixels: of the windows and the shifts at which repetition is measured, the last being the deepest level of the
ultra-low painter."""
FLAT_ENERGY = 3e-5
"""Local energy of detail below which a picture counts as flat: about a grey level in each channel."""


def fine_detail(pictures: Tensor) -> Tensor:
    """``(batch, 3, H, W)`` minus its 5 × 5 mean."""
    return pictures - functional.avg_pool2d(functional.pad(pictures, [2] * 4, mode="replicate"), 5, 1)


def grid_contrast(pictures: Tensor) -> Tensor:
    """How unevenly fine detail lies on the 8 × 8 block grid: dots or seams at the same place of every block.

    Photographs have about 0.03 to 0.1; a texture that is a dot in each block has 0.5 and more.

    Args:
        pictures: ``(batch, 3, H, W)`` in [0, 1], sides multiples of 64.

    Returns:
        ``(batch,)``: the energy of the picture minus its 5 × 5 mean, averaged for each of the 64 positions over 8 × 8
        neighbouring blocks: its variance over the positions in units of its squared mean.
    """
    energy = fine_detail(pictures.float()).square().sum(1, keepdim=True)
    phases = functional.avg_pool2d(functional.pixel_unshuffle(energy, GRID), _NEIGHBOURHOOD)
    mean = phases.mean(1)
    return (phases.var(1, correction=0) / (mean + FLAT_ENERGY).square()).flatten(1).mean(1)


def grid_repetition(pictures: Tensor) -> Tensor:
    """How much fine detail repeats itself one, two or four blocks further: a weave, which a decoder of blocks makes of
    latents that do not change. `grid_contrast` does not see it where every place of the block has its share.

    Half of all photographs have less than 0.003; a weave has 0.2 and more.

    Args:
        pictures: ``(batch, 3, H, W)`` in [0, 1], sides of at least 96.

    Returns:
        ``(batch,)``: the squared autocorrelation of the picture minus its 5 × 5 mean, in windows of 64 pixels, at 8, 16
        and 32 pixels to the right and down.
    """
    detail = fine_detail(pictures.float())

    def local(product: Tensor) -> Tensor:
        return functional.avg_pool2d(product.sum(1, keepdim=True), _WINDOW, _WINDOW // 2)

    total = detail.new_zeros(len(detail))
    for shift in _SHIFTS:
        for moved, still in (
            (detail[..., shift:], detail[..., :-shift]),
            (detail[..., shift:, :], detail[..., :-shift, :]),
        ):
            energy = 0.5 * (local(moved.square()) + local(still.square()))
            total = total + (local(moved * still) / (energy + FLAT_ENERGY)).square().flatten(1).mean(1)
    return total / (2 * len(_SHIFTS))


PATCH = 128
FLAT, TEXTURED = 2.0, 6.0
"""Grey levels of detail, root mean square: less is a flat part of a picture, more a textured one, between smooth."""
PHOTOGRAPHS = 0.9
"""The quantile of the photographs' own values that a decoded picture is held against."""


@dataclass(frozen=True)
class GridFigures:
    """Of the parts of one kind: means over the pictures, and the originals' quantile `PHOTOGRAPHS`."""

    patches: int
    contrast: float
    contrast_of_photographs: float
    repetition: float
    repetition_of_photographs: float


def grid_figures(originals: Sequence[UInt8], pictures: Sequence[UInt8]) -> dict[str, GridFigures]:
    """`grid_contrast` and `grid_repetition` of the 128 × 128 patches of ``(H, W, 3)`` uint8 pictures.

    Returns:
        The figures of ``"flat"``, ``"smooth"`` and ``"textured"`` patches, by the detail of the original; kinds
        without a patch are left out.
    """
    values: dict[str, list[list[float]]] = {"flat": [], "smooth": [], "textured": []}
    for original, picture in zip(originals, pictures, strict=True):
        for pair in _patches(original, picture):
            detail = 255 * float(fine_detail(pair[:1]).square().mean().sqrt())
            kind = "flat" if detail < FLAT else "smooth" if detail < TEXTURED else "textured"
            values[kind].append([*grid_contrast(pair).tolist(), *grid_repetition(pair).tolist()])
    return {kind: _figures(np.array(found)) for kind, found in values.items() if found}


def _figures(values: Float64) -> GridFigures:
    """``(patches, 4)``: contrast of original and picture, repetition of both."""
    means, quantiles = values.mean(0), np.quantile(values, PHOTOGRAPHS, axis=0)
    return GridFigures(len(values), float(means[1]), float(quantiles[0]), float(means[3]), float(quantiles[2]))


def _patches(original: UInt8, picture: UInt8) -> Iterator[Tensor]:
    """``(2, 3, 128, 128)`` in [0, 1]: the same place of both, side by side."""
    both = torch.from_numpy(np.stack([original, picture])).permute(0, 3, 1, 2)
    height, width = both.shape[2:]
    for top in range(0, height - PATCH + 1, PATCH):
        for left in range(0, width - PATCH + 1, PATCH):
            yield both[..., top : top + PATCH, left : left + PATCH].float() / 255
