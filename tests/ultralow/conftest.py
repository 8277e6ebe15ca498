"""Photographs and a random teacher for training."""

import lpips
import pytest

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.data import OBJECTS, PhotoSet
from tests.conftest import synthetic_picture

CROP = 256


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[PhotoSet, PhotoSet]:
    """For training and held out."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(10):
        synthetic_picture(300, 280, index).save(folder / f"{index}.jpg", quality=90)
    return tuple(PhotoSet.load([folder], CROP, validation, OBJECTS) for validation in (False, True))


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))
