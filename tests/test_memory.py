"""Free memory is given back after large pictures, where the C library can."""

import sys
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from pipeline import memory


@pytest.mark.parametrize(
    ("platform", "pixels", "calls"), [("linux", 12_000_000, 1), ("linux", 400_000, 0), ("win32", 12_000_000, 0)]
)
def test_only_large_pictures_on_linux(monkeypatch: pytest.MonkeyPatch, platform: str, pixels: int, calls: int) -> None:
    trim = Mock()
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=trim))
    memory.tidy(pixels)
    assert trim.call_count == calls


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: SimpleNamespace())
    memory.tidy(12_000_000)
