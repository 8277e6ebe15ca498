"""No network connection, and pictures to compare."""

import pytest

from pipeline.metrics.perceptual import backbones


def forget_the_network() -> None:
    for cached in (backbones._reachable, backbones._fetch):
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
