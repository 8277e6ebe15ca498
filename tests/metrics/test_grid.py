"""What shows of the grid of blocks."""

import numpy as np
import pytest
import torch

from pipeline.metrics.grid import grid_contrast, grid_figures, grid_repetition


def test_grid_contrast_tells_dots_from_grain() -> None:
    grain = 0.5 + 0.05 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    dots = torch.full((1, 3, 128, 128), 0.5)
    # The same place in every block, but up or down at random.
    signs = torch.randint(0, 2, (16, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1
    dots[:, :, 3::8, 3::8] += 0.05 * signs
    assert grid_contrast(grain) < 0.1
    assert grid_contrast(dots) > 1


@pytest.mark.parametrize(("period", "least"), [(8, 0.3), (16, 0.2), (32, 0.1)])
def test_grid_repetition_tells_a_weave_from_grain(period: int, least: float) -> None:
    generator = torch.Generator().manual_seed(0)
    grain = 0.05 * torch.randn(1, 3, 128, 128, generator=generator)
    times = 128 // period
    weave = 0.05 * torch.randn(1, 3, period, period, generator=generator).repeat(1, 1, times, times)
    assert grid_repetition(0.5 + grain) < 0.01
    assert grid_repetition(0.5 + weave + 0.5 * grain) > least


def _parts() -> np.ndarray:
    """Three patches beside each other: grey, soft grain, strong grain."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 1, (128, 384, 3)) * np.repeat([0, 4, 20], 128)[None, :, None]
    return np.clip(128 + grain, 0, 255).round().astype(np.uint8)


def test_figures_are_of_flat_smooth_and_textured_parts() -> None:
    figures = grid_figures([_parts()], [_parts()])
    assert list(figures) == ["flat", "smooth", "textured"]
    assert all(kind.patches == 1 for kind in figures.values())
    assert figures["flat"].contrast == figures["flat"].repetition == 0


def test_figures_of_originals_are_within_their_own_range() -> None:
    rng = np.random.default_rng(1)
    originals = [np.clip(rng.normal(128, 20, (256, 256, 3)), 0, 255).astype(np.uint8) for _ in range(3)]
    (figures,) = grid_figures(originals, originals).values()
    assert figures.contrast <= figures.contrast_of_photographs
    assert figures.repetition <= figures.repetition_of_photographs


def test_dots_on_a_flat_part_show_there_alone() -> None:
    original, picture = _parts(), _parts()
    picture[3::8, 3:128:8] += 10
    clean, dotted = grid_figures([original], [original]), grid_figures([original], [picture])
    assert dotted["flat"].contrast > 1 > 10 * dotted["flat"].contrast_of_photographs
    assert dotted["textured"] == clean["textured"]


def test_pictures_smaller_than_a_patch_have_no_figures() -> None:
    small = np.zeros((100, 300, 3), np.uint8)
    assert grid_figures([small], [small]) == {}
