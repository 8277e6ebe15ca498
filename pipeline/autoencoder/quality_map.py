"""The quality map: where in the picture the bits go.

One level for each cell of 32 x 32 pixels raises or lowers the quality that the header states. Levels are coded from
coarse to fine: each pass halves the distance between known cells, predicts the new ones as means of their neighbours,
and codes what is left with the entropy coder's tables. All of it is integer arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.entropy import FOREIGN, SymbolReader, SymbolWriter
from pipeline.entropy.rounding import symbol_bits
from pipeline.entropy.scales import SCALE_LEVELS, scale_table
from pipeline.errors import StreamError
from pipeline.layers.quality import CELL
from pipeline.stream import QUALITY_STEPS

LEVEL_STEP = 256
"""Quality codes from one level to the next: a factor of 1.5 in lambda."""
LEVEL_MAX = 10
SPACINGS = (3, 2, 1)
"""Levels that are all multiples of one of these are coded in units of it."""
_COARSEST = 4
"""How often the distance between cells doubles from the last pass to the first."""
_TABLES_PER_DOUBLING = 4


@dataclass(frozen=True)
class QualityMap:
    """A quality for the picture, and by how many levels each cell departs from it."""

    code: int
    """0 ... `QUALITY_STEPS`"""
    levels: Tensor | None = None
    """``(rows, columns)`` int64 in -`LEVEL_MAX` ... `LEVEL_MAX`; None where all cells have the picture's quality."""

    @property
    def codes(self) -> Tensor:
        """Quality codes, integers in float64 ``(1, 1, rows, columns)``, or 1 × 1."""
        levels = torch.zeros(1, 1) if self.levels is None else self.levels
        return (self.code + levels.double() * LEVEL_STEP).clamp(0, QUALITY_STEPS)[None, None]

    @property
    def bits(self) -> float:
        """About what the levels cost in a stream."""
        return 0.0 if self.levels is None else map_bits(self.levels)


def map_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells of a padded picture."""
    return height // CELL, width // CELL


Exchange = Callable[[slice, slice, Tensor, int], Tensor]
"""Rows and columns of new cells, their predicted levels, how often the distance to known cells doubled => levels."""


def _walk(rows: int, columns: int, exchange: Exchange) -> Tensor:
    """Goes through the passes in order and returns all levels."""
    levels = torch.zeros(rows, columns, dtype=torch.int64)
    doublings = _COARSEST
    every = slice(None, None, 2**doublings)
    levels[every, every] = exchange(every, every, torch.zeros_like(levels[every, every]), doublings)
    while doublings > 0:
        doublings -= 1
        half = 2**doublings
        known, new, fine = slice(None, None, 2 * half), slice(half, None, 2 * half), slice(None, None, half)
        across = _between(levels[known, known], levels[known, new].shape[1], 1)
        levels[known, new] = exchange(known, new, across, doublings)
        down = _between(levels[known, fine], levels[new, fine].shape[0], 0)
        levels[new, fine] = exchange(new, fine, down, doublings)
    return levels


def _between(known: Tensor, count: int, dim: int) -> Tensor:
    """The means, rounded down, of each of the first ``count`` neighbours along ``dim``; the last stands alone."""
    following = torch.cat([known.narrow(dim, 1, known.shape[dim] - 1), known.narrow(dim, -1, 1)], dim)
    return torch.div(known + following, 2, rounding_mode="floor").narrow(dim, 0, count)


def _residuals(levels: Tensor) -> list[tuple[Tensor, int]]:
    """What is coded in each pass, and how often the distance doubled."""
    parts: list[tuple[Tensor, int]] = []

    def note(rows: slice, columns: slice, prediction: Tensor, doublings: int) -> Tensor:
        parts.append(((levels[rows, columns] - prediction).flatten(), doublings))
        return levels[rows, columns]

    rows, columns = levels.shape
    _walk(rows, columns, note)
    return parts


def _table(narrowest: int, doublings: int) -> int:
    """Levels further apart differ more."""
    return min(narrowest + _TABLES_PER_DOUBLING * doublings, SCALE_LEVELS - 1)


def _costs(parts: list[tuple[Tensor, int]]) -> Tensor:
    """Bits of coding ``parts``, for each choice of the narrowest table."""
    scales = scale_table().double()
    chosen = torch.tensor([[_table(narrowest, d) for narrowest in range(SCALE_LEVELS)] for _, d in parts])
    bits = [
        symbol_bits(part.double().expand(SCALE_LEVELS, -1), scales[tables, None].expand(-1, len(part))).sum(1)
        for (part, _), tables in zip(parts, chosen, strict=True)
    ]
    return torch.stack(bits).sum(0)


def _spacing(levels: Tensor) -> int:
    return next(spacing for spacing in SPACINGS if not (levels % spacing).any())


def map_bits(levels: Tensor) -> float:
    """About what ``levels`` ``(rows, columns)`` cost in a stream."""
    return float(_costs(_residuals(levels // _spacing(levels))).min())


def write_levels(writer: SymbolWriter, levels: Tensor) -> int:
    """Codes ``levels`` and returns how, in 0 ... 191, which `read_levels` has to be told: the narrowest table, and the
    spacing of the levels."""
    spacing = _spacing(levels)
    parts = _residuals(levels // spacing)
    narrowest = int(_costs(parts).argmin())
    for part, doublings in parts:
        writer.write(part, torch.full_like(part, _table(narrowest, doublings)))
    return narrowest + SCALE_LEVELS * (spacing - 1)


def read_levels(reader: SymbolReader, rows: int, columns: int, how: int) -> Tensor:
    """What `write_levels` wrote.

    Raises:
        StreamError: not levels.
    """
    spacing, narrowest = how // SCALE_LEVELS + 1, how % SCALE_LEVELS
    if spacing not in SPACINGS:
        raise StreamError(FOREIGN)

    def read(at_rows: slice, at_columns: slice, prediction: Tensor, doublings: int) -> Tensor:
        symbols = reader.read(torch.full((prediction.numel(),), _table(narrowest, doublings)))
        levels = prediction + symbols.long().view_as(prediction)
        if (levels.abs() > LEVEL_MAX // spacing).any():
            raise StreamError("The stream's quality map holds impossible values; it was not made by Bitbrush.")
        return levels

    return spacing * _walk(rows, columns, read)
