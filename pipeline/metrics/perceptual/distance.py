"""LPIPS of two pictures, whole or tile by tile."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from pipeline.arrays import UInt8
from pipeline.images import to_tensor
from pipeline.metrics.perceptual.networks import load_network, network_in_use

MIN_SIDE = 32
"""The pooling stages need this many pixels; below it there is no LPIPS."""
WHOLE_PIXELS = 2_000_000
"""Larger pictures are measured tile by tile, so that memory stays bounded."""
TILE = 1024


def lpips_distance(original: UInt8, picture: UInt8) -> float | None:
    """LPIPS of two ``(H, W, 3)`` uint8 pictures; None when a side is below `MIN_SIDE` or there is no network."""
    key = network_in_use() if min(original.shape[:2]) >= MIN_SIDE else None
    return None if key is None else distance_by(key, original, picture)


def distance_by(key: str, original: UInt8, picture: UInt8) -> float:
    """LPIPS of two ``(H, W, 3)`` uint8 pictures by an available network.

    Above `WHOLE_PIXELS` it is the mean over non-overlapping tiles of about `TILE` pixels a side, weighted by area.
    """
    network = load_network(key)
    height, width = original.shape[:2]
    total = 0.0
    with torch.inference_mode():
        for rows, columns in _tiles(height, width):
            pair = [to_tensor(array[rows, columns]) for array in (original, picture)]
            total += float(network(*pair, normalize=True)) * pair[0].shape[2] * pair[0].shape[3]
    return total / (height * width)


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Slices that cover the picture without overlap: one up to `WHOLE_PIXELS`, else near-equal ones up to `TILE`."""
    if height * width <= WHOLE_PIXELS:
        yield slice(height), slice(width)
        return
    tops, lefts = (np.linspace(0, side, -(-side // TILE) + 1, dtype=int) for side in (height, width))
    for top, bottom in pairwise(tops):
        for left, right in pairwise(lefts):
            yield slice(top, bottom), slice(left, right)
