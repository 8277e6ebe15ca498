"""What a stream does not say, by frequency."""

import pytest
import torch

from pipeline.autoencoder import Autoencoder, Latent, QualityMap
from pipeline.entropy.scales import scale_table
from pipeline.layers.dct import dct_basis, dct_coefficients
from pipeline.layers.unsent import UNSENT_PLANES, band_weights, rounded_away, unsent_planes
from tests.test_ultralow import tensor


def test_coefficients_are_those_of_the_basis() -> None:
    coefficients, basis = dct_coefficients(16, 20, 6), dct_basis(16, 20, 6)
    assert len(coefficients) == len(basis)
    for coefficient, image in zip(coefficients, basis, strict=True):
        assert (image.std(2).max() > 1e-6) == (coefficient.column > 0)
        assert (image.std(1).max() > 1e-6) == (coefficient.row > 0)
        assert (image.sum(0).abs().max() > 1e-6) == (coefficient.plane == 0)


def test_every_coefficient_belongs_to_one_band() -> None:
    weights = band_weights(dct_coefficients(16, 176, 40))
    assert weights.shape == (UNSENT_PLANES, 256)
    torch.testing.assert_close(weights.sum(1), torch.ones(UNSENT_PLANES))
    assert ((weights > 0).sum(0) == 1).all()


def test_more_is_missing_where_larger_coefficients_were_not_sent() -> None:
    weights = band_weights(dct_coefficients(16, 20, 6))
    scales = torch.tensor([0.11, 0.3, 2.0, 100.0]).view(1, 1, 1, 4).expand(1, 32, 1, 4)
    planes = unsent_planes(rounded_away(scales), weights)[0, 0, 0]
    assert planes[0] < planes[1] < planes[2] and torch.isclose(planes[2], planes[3], atol=0.05)
    assert planes.abs().max() < 1.2


def test_a_stream_tells_what_training_told(tiny_autoencoder: Autoencoder) -> None:
    picture = tensor(128, 64)
    quality = QualityMap(1500)
    height, width = picture.shape[2:]
    latent = tiny_autoencoder.decompress(tiny_autoencoder.compress(picture, quality), 1500, height, width)
    told = tiny_autoencoder.unsent(latent)
    assert told.shape == (1, UNSENT_PLANES, height // 16, width // 16)
    with torch.no_grad():
        trained_on = tiny_autoencoder(picture, tiny_autoencoder.quality_plane(latent)).unsent
    assert (told - trained_on).abs().mean() < 0.05


def test_what_was_not_sent_is_told_part_by_part(tiny_autoencoder: Autoencoder, monkeypatch: pytest.MonkeyPatch) -> None:
    indexes = torch.randint(64, (1, 24, 20, 12), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    latent = Latent(torch.zeros(indexes.shape, dtype=torch.int32), indexes, QualityMap(1500))
    whole = unsent_planes(rounded_away(scale_table()[indexes.int()]), tiny_autoencoder.bands)
    monkeypatch.setattr("pipeline.autoencoder.model._POSITIONS", 50)
    torch.testing.assert_close(tiny_autoencoder.unsent(latent), whole)
