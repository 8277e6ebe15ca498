"""Photographs to train on."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.training.data import PhotoSet


def test_photo_split_and_crops(photo_folder: Path) -> None:
    training, held_out = PhotoSet.load([photo_folder], 64), PhotoSet.load([photo_folder], 64, validation=True)
    assert [len(group) for group in training.groups] == [0, 0, 9, 0]
    assert [len(group) for group in held_out.groups] == [0, 0, 1, 0]
    clean = PhotoSet.load([], 64, clean=[photo_folder])
    assert [picture.shape for picture in clean.groups[3]] == 9 * [(150, 200, 3)]
    crops = training.crops(3, 64, np.random.default_rng(0))
    assert crops.shape == (3, 3, 64, 64) and 0 <= crops.min() and crops.max() <= 1


def test_no_photos_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no photographs"):
        PhotoSet.load([tmp_path], 64)
