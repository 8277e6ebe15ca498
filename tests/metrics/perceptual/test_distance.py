"""LPIPS against the package's, and the distilled network against the official one."""

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.comparison.baselines import add_grain
from pipeline.metrics import (
    measure,
)
from pipeline.metrics.perceptual import distance
from pipeline.metrics.perceptual.networks import load_network
from pipeline.training.distortions import blurred, downscaled
from tests.metrics.pictures import networks, picture


@pytest.mark.parametrize(("height", "width"), [(1000, 1000), (2100, 1500), (65, 40_000), (1414, 1415)])
def test_tiles_cover_the_picture_once(height, width):
    covered = np.zeros((height, width), np.uint8)
    for rows, columns in distance._tiles(height, width):
        covered[rows, columns] += 1
        assert covered[rows, columns].size <= distance.WHOLE_PIXELS
    assert (covered == 1).all()


@networks
def test_lpips_is_the_packages_and_tiles_average_by_area(network, monkeypatch):
    monkeypatch.setenv("BITBRUSH_LPIPS", network)
    a, b = picture(64, 136, 0), picture(64, 136, 1)
    lpips = load_network(network)

    def direct(columns: slice) -> float:
        tensors = [torch.tensor(x[:, columns]).permute(2, 0, 1)[None].float() / 255 for x in (a, b)]
        return lpips(*tensors, normalize=True).item()

    assert measure(a, b).lpips == pytest.approx(direct(slice(None)), rel=1e-4)
    assert measure(a, a).lpips == 0
    monkeypatch.setattr(distance, "WHOLE_PIXELS", 64 * 100)
    monkeypatch.setattr(distance, "TILE", 67)
    parts = [direct(slice(0, 45)) * 45, direct(slice(45, 90)) * 45, direct(slice(90, 136)) * 46]
    assert measure(a, b).lpips == pytest.approx(sum(parts) / 136, rel=1e-4)


OFFICIAL_DISTANCES = {
    "cat.png": {"faint grain": 0.0034, "grain": 0.0870, "blur": 0.3128, "downscaled": 0.2606},
    "astronaut.png": {"faint grain": 0.0065, "grain": 0.1040, "blur": 0.2192, "downscaled": 0.1800},
    "temple.jpg": {"faint grain": 0.0087, "grain": 0.0910, "blur": 0.3686, "downscaled": 0.3130},
}
"""LPIPS by the official SqueezeNet of the pairs below."""


@networks
@pytest.mark.parametrize("name", OFFICIAL_DISTANCES)
def test_the_distilled_network_measures_what_the_official_one_does(name, network, example_pictures):
    whole = np.asarray(Image.open(next(path for path in example_pictures if path.name == name)).convert("RGB"))
    top, left = (side // 2 - 96 for side in whole.shape[:2])
    original = np.ascontiguousarray(whole[top : top + 192, left : left + 192])
    pictures = {
        "faint grain": add_grain(original, 2),
        "grain": add_grain(original, 8),
        "blur": blurred(original, 1.5),
        "downscaled": downscaled(original, 3),
    }
    distances = {kind: distance.distance_by(network, original, picture) for kind, picture in pictures.items()}
    accuracy = {"rel": 0.01, "abs": 2e-4} if network == "squeeze" else {"rel": 0.15, "abs": 1e-3}
    assert distances == pytest.approx(OFFICIAL_DISTANCES[name], **accuracy)


@pytest.mark.parametrize(("side", "defined"), [(distance.MIN_SIDE - 1, False), (distance.MIN_SIDE, True)])
def test_lpips_of_tiny_pictures_is_undefined(side, defined, monkeypatch):
    monkeypatch.setenv("BITBRUSH_LPIPS", "distilled")
    assert (measure(picture(side, 40), picture(side, 40, 1)).lpips is not None) is defined
