"""Overlapping tiles: big pictures in bounded memory, without seams."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tile:
    """A window in pixels, and how far it overlaps its neighbours on each side (0 at the picture's border)."""

    top: int
    bottom: int
    left: int
    right: int

    def slices(self, step: int = 1) -> tuple[slice, slice]:
        """Rows and columns of a map in which one position covers ``step`` pixels a side."""
        return slice(self.top // step, self.bottom // step), slice(self.left // step, self.right // step)


def tile_grid(height: int, width: int, size: int, overlap: int) -> Iterator[Tile]:
    """Tiles of at most ``size`` pixels a side, each overlapping the next by at least ``overlap``, evenly spread and no
    larger than that needs.

    All coordinates are multiples of 64 where ``height``, ``width``, ``size`` and ``overlap`` are.
    """
    for top, bottom in _spans(height, size, overlap):
        for left, right in _spans(width, size, overlap):
            yield Tile(top, bottom, left, right)


def _spans(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    if length <= size:
        return [(0, length)]
    count = -(-(length - overlap) // (size - overlap))
    stride = -(-(length - overlap) // (64 * count)) * 64
    starts = [min(i * stride, length - stride - overlap) for i in range(count)]
    return [(start, start + stride + overlap) for start in starts]


def shares(length: int, size: int, overlap: int) -> dict[tuple[int, int], Tensor]:
    """Of each span of `tile_grid` along one side, ``(start, stop)``: its weight at each of its pixels.

    It falls linearly over the overlap towards neighbours; those of all spans add up to 1 everywhere.
    """
    ramps: dict[tuple[int, int], Tensor] = {}
    total = torch.zeros(length)
    for start, stop in _spans(length, size, overlap):
        position = torch.arange(start, stop) + 0.5
        ramp = torch.ones(stop - start)
        if start > 0:
            ramp = torch.minimum(ramp, (position - start) / overlap)
        if stop < length:
            ramp = torch.minimum(ramp, (stop - position) / overlap)
        ramps[start, stop] = ramp
        total[start:stop] += ramp
    return {span: ramp / total[slice(*span)] for span, ramp in ramps.items()}


def blend_tiles(function: Callable[[Tile], Tensor], like: Tensor, step: int, size: int, overlap: int) -> Tensor:
    """``function(tile)`` for overlapping tiles of a large picture, blended; for functions whose reach is not bounded.

    Args:
        like: ``(batch, channels, height, width)``, the shape of the result; one position covers ``step`` pixels a side.
        size, overlap: of the tiles in pixels.
    """
    height, width = like.shape[2] * step, like.shape[3] * step
    of_rows, of_columns = shares(height, size, overlap), shares(width, size, overlap)
    total = torch.zeros_like(like)
    for tile in tile_grid(height, width, size, overlap):
        window = torch.outer(of_rows[tile.top, tile.bottom], of_columns[tile.left, tile.right])
        window = window[step // 2 :: step, step // 2 :: step].to(like.device)
        total[(..., *tile.slices(step))] += function(tile) * window
    return total


def map_tiles(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    in_steps: Sequence[int],
    out_step: int,
    size: int = 1536,
    margin: int = 192,
) -> Tensor:
    """``function(*inputs)`` computed window by window, for a convolutional function whose reach is at most ``margin``.

    Args:
        inputs: each ``(batch, channels, height, width)``; one position of each covers as many pixels a side as its
            ``in_steps`` says.
        out_step: pixels a side of one output position.
        size: of the largest window in pixels, before its margins; a multiple of 64, as all steps divide 64.
        margin: in pixels, a multiple of all steps.

    Returns:
        The same as ``function(*inputs)`` up to floating-point rounding.
    """
    height, width = inputs[0].shape[2] * in_steps[0], inputs[0].shape[3] * in_steps[0]
    if height <= size + margin and width <= size + margin:
        return function(*inputs)
    whole: Tensor | None = None
    high, wide = _even_size(height, size), _even_size(width, size)
    for top in range(0, height, high):
        for left in range(0, width, wide):
            bottom, right = min(top + high, height), min(left + wide, width)
            window = Tile(
                max(0, top - margin), min(height, bottom + margin), max(0, left - margin), min(width, right + margin)
            )
            out = function(*(x[(..., *window.slices(step))] for x, step in zip(inputs, in_steps, strict=True)))
            if whole is None:
                whole = out.new_empty(*out.shape[:2], height // out_step, width // out_step)
            vertical = slice((top - window.top) // out_step, (bottom - window.top) // out_step)
            horizontal = slice((left - window.left) // out_step, (right - window.left) // out_step)
            whole[(..., *Tile(top, bottom, left, right).slices(out_step))] = out[..., vertical, horizontal]
    assert whole is not None
    return whole


def _even_size(length: int, size: int) -> int:
    """The smallest multiple of 64 that covers ``length`` in as few parts as ``size`` does."""
    parts = -(-length // size)
    return -(-length // (64 * parts)) * 64
