"""Which LPIPS network is chosen, without a network connection."""

import pytest

from pipeline.errors import SettingsError
from pipeline.metrics import (
    lpips_name,
    measure,
)
from pipeline.metrics.perceptual import networks
from tests.metrics.pictures import picture


@pytest.fixture
def undistilled(monkeypatch, tmp_path):
    """An installation without the distilled network's checkpoint."""
    monkeypatch.setattr(networks, "DISTILLED_FOLDER", tmp_path / "absent")


def test_without_any_network_everything_else_is_measured(hub, undistilled):
    scores = measure(picture(170, 170), picture(170, 170, 1))
    assert lpips_name() is None and scores.lpips is None
    assert scores.psnr > 0 and 0 < scores.ms_ssim < 1


def test_alexnet_is_preferred_unless_one_is_forced(hub, monkeypatch):
    assert lpips_name() == "LPIPS (distilled)"
    (hub / "squeezenet1_1-b8a52dc0.pth").touch()
    assert lpips_name() == "LPIPS (SqueezeNet)"
    (hub / "alexnet-owt-7be5be79.pth").touch()
    assert lpips_name() == "LPIPS (AlexNet)"
    monkeypatch.setenv("BITBRUSH_LPIPS", "squeeze")
    assert lpips_name() == "LPIPS (SqueezeNet)"
    monkeypatch.setenv("BITBRUSH_LPIPS", "distilled")
    assert lpips_name() == "LPIPS (distilled)"
    monkeypatch.setenv("BITBRUSH_LPIPS", "vgg")
    with pytest.raises(SettingsError, match="alex, squeeze, distilled"):
        lpips_name()


def test_a_forced_network_that_is_missing_is_not_replaced(hub, monkeypatch):
    (hub / "squeezenet1_1-b8a52dc0.pth").touch()
    monkeypatch.setenv("BITBRUSH_LPIPS", "alex")
    assert lpips_name() is None
