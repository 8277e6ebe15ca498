"""Random quality maps to train on, in the kinds that variable-rate codecs are trained with (Song et al. 2021)."""

import torch
from torch import Tensor

_KINDS = 5
"""One crop in five gets a constant, one a map of regions, one a gradient, two a sum of Gaussians."""
_MOST_REGIONS = 6
_MOST_GAUSSIANS = 20


def random_maps(count: int, cells: int, generator: torch.Generator) -> Tensor:
    """Quality maps ``(count, 1, cells, cells)`` in [0, 1]; those that vary do so between two random levels."""
    return torch.stack([_random_map(cells, generator) for _ in range(count)])[:, None]


def _random_map(cells: int, generator: torch.Generator) -> Tensor:
    kind = int(torch.randint(_KINDS, (), generator=generator))
    first, second = torch.rand(2, generator=generator).tolist()
    if kind == 0:
        return torch.full((cells, cells), first)
    shape = (_regions, _gradient, _gaussians, _gaussians)[kind - 1](cells, generator)
    low, high = shape.min(), shape.max()
    levels: Tensor = first + (second - first) * (shape - low) / (high - low).clamp(min=1e-6)
    return levels


def _grid(cells: int) -> Tensor:
    """Centres of the cells in [0, 1], ``(cells, cells, 2)``."""
    centres = (torch.arange(cells) + 0.5) / cells
    return torch.stack(torch.meshgrid(centres, centres, indexing="ij"), -1)


def _regions(cells: int, generator: torch.Generator) -> Tensor:
    count = int(torch.randint(2, _MOST_REGIONS + 1, (), generator=generator))
    seeds = torch.rand(count, 2, generator=generator)
    nearest = torch.cdist(_grid(cells).flatten(0, 1), seeds).argmin(1)
    return torch.rand(count, generator=generator)[nearest].view(cells, cells)


def _gradient(cells: int, generator: torch.Generator) -> Tensor:
    direction = torch.randn(2, generator=generator)
    return _grid(cells) @ direction


def _gaussians(cells: int, generator: torch.Generator) -> Tensor:
    count = int(torch.randint(1, _MOST_GAUSSIANS + 1, (), generator=generator))
    centres = torch.rand(count, 2, generator=generator)
    widths = 0.1 + 0.3 * torch.rand(count, generator=generator)
    heights = torch.rand(count, generator=generator)
    distances = torch.cdist(_grid(cells).flatten(0, 1), centres)
    return (heights * torch.exp(-(distances**2) / (2 * widths**2))).sum(1).view(cells, cells)
