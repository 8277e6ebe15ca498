"""Fetching a backbone, from a host that is not there."""

import hashlib
import io
import urllib.error

import pytest

from pipeline.metrics import (
    lpips_name,
)
from pipeline.metrics.perceptual import backbones, networks


class Response(io.BytesIO):
    """What ``urlopen`` returns."""

    def __init__(self, content: bytes):
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content))}


CONTENT = b"weights" * 100


BACKBONE = backbones.Backbone("squeeze", "Test", f"test-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth")


@pytest.fixture
def online(hub, monkeypatch):
    """Allows the network, with `BACKBONE` as the only network there is and no host behind it."""
    requests = []

    def unreachable(request, timeout):
        requests.append(request)
        raise urllib.error.URLError("no route")

    monkeypatch.delenv("BITBRUSH_OFFLINE")
    for module in (backbones, networks):
        monkeypatch.setattr(module, "BACKBONES", {"squeeze": BACKBONE})
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
    assert not backbones._fetch(BACKBONE) and not list(hub.iterdir())
    assert next(clock) < 10
