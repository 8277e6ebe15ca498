"""Large pictures take bounded memory, and what is free after them is given back where the C library can."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from pipeline import memory
from tests.part_memory import PARTS

ROOT = Path(__file__).parent.parent


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


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_the_page_holds_a_large_picture_in_many_floats(part: str) -> None:
    command = [sys.executable, "-m", "tests.part_memory", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 32
