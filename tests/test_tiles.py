"""Tiling: coverage, smooth weights, and equality with the whole."""

import pytest
import torch
from torch import nn

from pipeline.tiles import blend_tiles, map_tiles, shares, tile_grid


@pytest.mark.parametrize(("height", "width"), [(64, 64), (1024, 1024), (1088, 64), (2560, 4096)])
def test_the_shares_of_tiles_add_up_to_one(height: int, width: int) -> None:
    total = torch.zeros(height, width)
    rows, columns = shares(height, 1024, 128), shares(width, 1024, 128)
    for tile in tile_grid(height, width, 1024, 128):
        assert tile.bottom - tile.top <= 1024 and tile.right - tile.left <= 1024
        assert all(edge % 64 == 0 for edge in (tile.top, tile.bottom, tile.left, tile.right))
        total[tile.slices()] += torch.outer(rows[tile.top, tile.bottom], columns[tile.left, tile.right])
    torch.testing.assert_close(total, torch.ones(height, width))


@pytest.mark.parametrize("step", [1, 8])
def test_blended_tiles_of_what_is_the_same_everywhere_are_just_that(step: int) -> None:
    picture = torch.rand(1, 2, 320 // step, 192 // step)
    blended = blend_tiles(lambda tile: picture[(..., *tile.slices(step))], picture, step, 128, 64)
    torch.testing.assert_close(blended, picture)


def test_tiles_are_no_larger_than_needed() -> None:
    tiles = list(tile_grid(1088, 3008, 1024, 128))
    assert {tile.bottom - tile.top for tile in tiles} == {640}
    assert {tile.right - tile.left for tile in tiles} == {896}


def test_windows_equal_the_whole() -> None:
    torch.manual_seed(0)
    function = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    x = torch.rand(1, 3, 320, 192)
    with torch.no_grad():
        tiled = map_tiles(function, (x,), in_steps=(1,), out_step=1, size=128, margin=64)
        torch.testing.assert_close(tiled, function(x))
