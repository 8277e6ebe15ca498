"""Patch distances of known sets."""

import pytest
import torch

from pipeline.errors import BitbrushError
from pipeline.metrics import (
    frechet_distance,
    kernel_distance,
    patch_features,
    patches,
)
from pipeline.metrics.perceptual.networks import load_network
from tests.metrics.pictures import networks, picture


@networks
def test_patch_features_of_odd_sizes(network, monkeypatch):
    monkeypatch.setattr(patches, "official_squeezenet", lambda wanted: load_network(network))
    original = picture(130, 200)
    features = patch_features(original)
    assert features.shape == (6, 2240)
    torch.testing.assert_close(features[4:5], patch_features(original[64:128, 64:128]), rtol=1e-3, atol=1e-3)
    assert patch_features(original[:63]).shape == (0, 2240)


def test_patch_features_without_weights_say_what_to_do(hub):
    with pytest.raises(BitbrushError, match="TORCH_HOME"):
        patch_features(picture(64, 64))


@pytest.mark.parametrize("patches", [7, 40])
def test_distances_of_known_sets(patches):
    features = torch.randn(patches, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    features = (features - features.mean(0)) / features.std(0)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, 2 * features + 1) == pytest.approx(2 * 12)
    assert kernel_distance(features, features) == 0

    other = features + 0.5
    expected = 0.0
    for i in range(patches):
        for j in range(patches):
            if i != j:
                pairs = [(features, features, 1), (other, other, 1), (features, other, -1), (other, features, -1)]
                expected += sum(sign * float((a[i] @ b[j] / 12 + 1) ** 3) for a, b, sign in pairs)
    assert kernel_distance(features, other) == pytest.approx(expected / (patches * (patches - 1)))


def test_channels_that_never_vary_do_not_count():
    features = torch.randn(9, 5, generator=torch.Generator().manual_seed(1))
    constant = torch.cat([features, torch.ones(9, 1)], 1)
    shifted = torch.cat([features + 1, torch.full((9, 1), 7.0)], 1)
    assert kernel_distance(constant, shifted) == pytest.approx(kernel_distance(features, features + 1))


def test_unequal_patch_counts_are_refused():
    with pytest.raises(ValueError, match="same patches"):
        kernel_distance(torch.zeros(4, 3), torch.zeros(5, 3))
