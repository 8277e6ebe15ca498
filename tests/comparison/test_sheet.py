"""The contact sheet: pixels as they are, texts that its font can write."""

import numpy as np
import pytest

from pipeline.comparison.sheet import CELL, SMALLEST, Cell, contact_sheet


def test_the_sheet_shows_pixels_as_they_are() -> None:
    tall = np.zeros((CELL + 100, 300, 3), np.uint8)
    tall[50:-50] = np.random.default_rng(0).integers(0, 256, (CELL, 300, 3), np.uint8)
    sheet = np.asarray(contact_sheet([Cell("large", "cropped", tall)]))
    places = np.argwhere((sheet[:, :, 0] == tall[50, 0, 0]) & (sheet[:, :, 2] == tall[50, 0, 2]))
    assert any(np.array_equal(sheet[y : y + CELL, x : x + 300], tall[50:-50]) for y, x in places)

    pixels = tall[50:95, :50]
    small = np.asarray(contact_sheet([Cell(f"number {i}", "", pixels) for i in range(5)]))
    enlarged = pixels.repeat(SMALLEST // 50, 0).repeat(SMALLEST // 50, 1)
    assert any(np.array_equal(small[y : y + 225, x : x + 250], enlarged) for y in range(100) for x in range(30))


def test_an_empty_sheet_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])


def test_signs_that_the_font_lacks_are_spelled() -> None:
    picture = np.zeros((300, 300, 3), np.uint8)
    signs, words = (
        contact_sheet([Cell(title, caption, picture)])
        for title, caption in (("Grain, σ 3.1", "∞ dB, 96 × 64"), ("Grain, sigma 3.1", "infinite dB, 96 x 64"))
    )
    assert signs == words
