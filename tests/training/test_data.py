"""Photographs to train on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ImageError
from pipeline.training.data import PhotoSet
from tests.conftest import synthetic_picture


def test_photo_split_and_crops(photo_folder: Path) -> None:
    training, held_out = PhotoSet.load([photo_folder], 64), PhotoSet.load([photo_folder], 64, validation=True)
    assert [len(group) for group in training.groups] == [0, 0, 9, 0]
    assert [len(group) for group in held_out.groups] == [0, 0, 1, 0]
    clean = PhotoSet.load([], 64, clean=[photo_folder])
    assert [picture.shape for picture in clean.groups[3]] == 9 * [(150, 200, 3)]
    crops = training.crops(3, 64, np.random.default_rng(0))
    assert crops.shape == (3, 3, 64, 64) and 0 <= crops.min() and crops.max() <= 1


def test_no_photos_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No photograph for training"):
        PhotoSet.load([tmp_path], 64)
    synthetic_picture(200, 150).save(tmp_path / "only.jpg")
    with pytest.raises(ImageError, match=r"validation.* at least ten"):
        PhotoSet.load([tmp_path], 64, validation=True)


def test_panoramas_give_crops_or_none(tmp_path: Path) -> None:
    for index, height in enumerate((70, 150)):
        synthetic_picture(1200, height, index).save(tmp_path / f"{index}.png")
    photos = PhotoSet.load([tmp_path], 64)
    assert [len(group) for group in photos.groups] == [1, 1, 0, 0]
    assert photos.crops(40, 64, np.random.default_rng(0)).shape == (40, 3, 64, 64)
    with pytest.raises(ImageError):
        PhotoSet.load([tmp_path], 256)


def test_files_that_are_no_pictures_are_named_and_hidden_ones_left_out(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "._0.jpg").write_bytes(b"what a file system says of a file")
    assert PhotoSet.load([tmp_path], 64).crops(1, 64, np.random.default_rng(0)).shape == (1, 3, 64, 64)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        PhotoSet.load([tmp_path], 64)


def test_photographs_are_read_as_everywhere_else(photo_folder: Path, tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 200).astype("u2")[None].repeat(150, 0)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    (picture,) = PhotoSet.load([], 64, clean=[tmp_path]).groups[3]
    assert picture[0, 100, 0] == pytest.approx(128, abs=2)
    png = (tmp_path / "deep.png").read_bytes()
    (tmp_path / "deep.png").write_bytes(png[:37] + b"\0\0\0\0\xff\xff\xff\xff" + png[45:])
    with pytest.raises(ImageError, match=r"deep\.png"):
        PhotoSet.load([], 64, clean=[tmp_path])
