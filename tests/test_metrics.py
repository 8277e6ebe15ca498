"""Scores against known values, the choice of the LPIPS network without a network connection, and patch distances."""

import hashlib
import io
import math
import urllib.error

import numpy as np
import pytest
import pytorch_msssim
import torch
from PIL import Image

from pipeline.comparison.baselines import add_grain
from pipeline.errors import BitbrushError, ImageError, SettingsError
from pipeline.metrics import (
    frechet_distance,
    kernel_distance,
    lpips_name,
    measure,
    patch_features,
    patches,
    perceptual,
    psnr,
)
from pipeline.metrics.scores import MS_SSIM_MIN_SIDE, ms_ssim
from pipeline.training.distortions import blurred, downscaled

needs_squeezenet = pytest.mark.skipif(
    not perceptual.BACKBONES["squeeze"].path.exists(),
    reason="SqueezeNet's weights are not in the torch hub folder (set TORCH_HOME)",
)
networks = pytest.mark.parametrize("network", [pytest.param("squeeze", marks=needs_squeezenet), perceptual.DISTILLED])


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth gradient with noise, so that scores are neither perfect nor degenerate."""
    ramp = np.linspace(40, 200, width)[None, :, None] + np.linspace(-30, 30, height)[:, None, None]
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def forget_the_network() -> None:
    for cached in (perceptual._reachable, perceptual._fetch):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("BITBRUSH_OFFLINE", "1")
    monkeypatch.delenv("BITBRUSH_LPIPS", raising=False)
    forget_the_network()
    yield
    forget_the_network()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty torch hub folder."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_psnr_of_known_error():
    original = np.full((9, 7, 3), 100, np.uint8)
    assert psnr(original, original + np.uint8(16)) == pytest.approx(20 * math.log10(255 / 16))
    assert psnr(np.zeros_like(original), np.full_like(original, 255)) == 0
    assert psnr(original, original) == math.inf


def test_ms_ssim_is_the_packages_and_undefined_for_small_pictures():
    a, b = picture(MS_SSIM_MIN_SIDE, 180, 0), picture(MS_SSIM_MIN_SIDE, 180, 1)
    tensors = [torch.tensor(x).permute(2, 0, 1)[None].float() for x in (a, b)]
    assert ms_ssim(a, b) == pytest.approx(pytorch_msssim.ms_ssim(*tensors, data_range=255).item(), abs=1e-6)
    assert ms_ssim(a, a) == pytest.approx(1)
    assert ms_ssim(a[1:], b[1:]) is None


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(ImageError, match="10 × 8 and 8 × 10"):
        measure(picture(8, 10), picture(10, 8))


@pytest.fixture
def undistilled(monkeypatch, tmp_path):
    """An installation without the distilled network's checkpoint."""
    monkeypatch.setattr(perceptual, "DISTILLED_FOLDER", tmp_path / "absent")


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


class Response(io.BytesIO):
    """What ``urlopen`` returns."""

    def __init__(self, content: bytes):
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content))}


CONTENT = b"weights" * 100
BACKBONE = perceptual.Backbone("squeeze", "Test", f"test-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth")


@pytest.fixture
def online(hub, monkeypatch):
    """Allows the network, with `BACKBONE` as the only network there is and no host behind it."""
    requests = []

    def unreachable(request, timeout):
        requests.append(request)
        raise urllib.error.URLError("no route")

    monkeypatch.delenv("BITBRUSH_OFFLINE")
    monkeypatch.setattr(perceptual, "BACKBONES", {"squeeze": BACKBONE})
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    return requests


def test_offline_asks_nobody(online, monkeypatch):
    monkeypatch.setenv("BITBRUSH_OFFLINE", "1")
    assert lpips_name() == "LPIPS (distilled)" and not online


def test_an_unreachable_host_is_asked_once(online):
    assert [lpips_name() for _ in range(3)] == ["LPIPS (distilled)"] * 3
    assert len(online) == 1


def test_a_download_ends_in_the_hub_folder(online, hub, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda request, timeout: Response(CONTENT))
    assert lpips_name() == "LPIPS (Test)"
    assert [path.name for path in hub.iterdir()] == [BACKBONE.file_name]
    assert BACKBONE.path.read_bytes() == CONTENT


def test_a_damaged_download_leaves_nothing(online, hub, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda request, timeout: Response(CONTENT[1:]))
    assert lpips_name() == "LPIPS (distilled)" and not list(hub.iterdir())


def test_a_slow_download_is_given_up_and_leaves_nothing(online, hub, monkeypatch):
    class Slow(Response):
        def read1(self, size=-1):
            return super().read1(1)

    clock = iter(range(10_000))
    monkeypatch.setattr("urllib.request.urlopen", lambda request, timeout: Slow(CONTENT))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    assert not perceptual._fetch(BACKBONE) and not list(hub.iterdir())
    assert next(clock) < 10


@pytest.mark.parametrize(("height", "width"), [(1000, 1000), (2100, 1500), (65, 40_000), (1414, 1415)])
def test_tiles_cover_the_picture_once(height, width):
    covered = np.zeros((height, width), np.uint8)
    for rows, columns in perceptual._tiles(height, width):
        covered[rows, columns] += 1
        assert covered[rows, columns].size <= perceptual.WHOLE_PIXELS
    assert (covered == 1).all()


@networks
def test_lpips_is_the_packages_and_tiles_average_by_area(network, monkeypatch):
    monkeypatch.setenv("BITBRUSH_LPIPS", network)
    a, b = picture(64, 136, 0), picture(64, 136, 1)
    lpips = perceptual.load_network(network)

    def direct(columns: slice) -> float:
        tensors = [torch.tensor(x[:, columns]).permute(2, 0, 1)[None].float() / 255 for x in (a, b)]
        return lpips(*tensors, normalize=True).item()

    assert measure(a, b).lpips == pytest.approx(direct(slice(None)), rel=1e-4)
    assert measure(a, a).lpips == 0
    monkeypatch.setattr(perceptual, "WHOLE_PIXELS", 64 * 100)
    monkeypatch.setattr(perceptual, "TILE", 67)
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
    distances = {kind: perceptual.distance_by(network, original, picture) for kind, picture in pictures.items()}
    accuracy = {"rel": 0.01, "abs": 2e-4} if network == "squeeze" else {"rel": 0.15, "abs": 1e-3}
    assert distances == pytest.approx(OFFICIAL_DISTANCES[name], **accuracy)


@pytest.mark.parametrize(("side", "defined"), [(perceptual.MIN_SIDE - 1, False), (perceptual.MIN_SIDE, True)])
def test_lpips_of_tiny_pictures_is_undefined(side, defined, monkeypatch):
    monkeypatch.setenv("BITBRUSH_LPIPS", "distilled")
    assert (measure(picture(side, 40), picture(side, 40, 1)).lpips is not None) is defined


@networks
def test_patch_features_of_odd_sizes(network, monkeypatch):
    monkeypatch.setattr(patches, "is_available", lambda key: True)
    monkeypatch.setattr(patches, "load_network", lambda key: perceptual.load_network(network))
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
