"""Result files in unique folders inside Gradio's own cache, where it serves them as they are and copies nothing."""

import os
import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from pipeline.arrays import UInt8
from pipeline.errors import BitbrushError
from pipeline.pictures import save_png

KEPT_SECONDS = 3600
KEPT_BYTES = 2_000_000_000
PREVIEW_PIXELS = 1_500_000
_PREVIEWS_KEPT, _PREVIEW_SECONDS = 8, 30
"""A browser may ask for a step long after the next ones are there; more than these go once they are older."""
_PREFIX = "bitbrush-"
_PARTS = "parts"
"""Folder of what is made of a run's pictures."""
_held: Counter[Path] = Counter()
"""Folders that are being worked on."""
_holding = threading.Lock()


def file_stem(name: str | None, fallback: str) -> str:
    """A harmless file name without its suffix, made from what a user's file is called."""
    return re.sub(r"[^\w.-]+", "-", Path(name or "").stem).strip("-.")[:40] or fallback


def touch_folder(file: str) -> None:
    """Makes the run's folder that a file lies in, if any, count as new."""
    folder = Path(file).parent
    if folder.name.startswith(_PREFIX):
        os.utime(folder)


class NotKeptError(BitbrushError):
    """The files of a run are gone, because many others were made since."""

    def __init__(self) -> None:
        super().__init__("This result is no longer kept; press Run to make it again.")


class RunFolder:
    """The files of one run. When a new one comes, those of runs that ended long ago go, and the oldest beyond
    `KEPT_BYTES`; none that is `held`."""

    def __init__(self) -> None:
        cache = Path(get_upload_folder())
        cache.mkdir(parents=True, exist_ok=True)
        _tidy(cache)
        self._path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache))
        self._previews: list[tuple[float, str]] = []

    @property
    def kept(self) -> bool:
        """Whether it is still there."""
        return self._path.exists()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing of it is removed inside this block.

        Raises:
            NotKeptError: it was removed before.
        """
        with _holding:
            if not self.kept:
                raise NotKeptError
            _held[self._path] += 1
        try:
            yield
        finally:
            with _holding:
                _held[self._path] -= 1
                if not _held[self._path]:
                    del _held[self._path]
            with suppress(FileNotFoundError):
                os.utime(self._path)

    def path(self, name: str) -> str:
        """Where a file of this name belongs; it comes anew every time, so that no browser shows an older one."""
        folder = tempfile.mkdtemp(dir=self._path)
        return str(Path(folder, name))

    def picture(self, name: str, picture: UInt8) -> str:
        """Writes ``(H, W, 3)`` uint8 as it is to ``NAME.png``."""
        path = self._path / f"{name}.png"
        save_png(picture, path)
        return str(path)

    def part(self, name: str, picture: UInt8) -> str:
        """Like `picture`, where no photo's name can meet it."""
        (self._path / _PARTS).mkdir(exist_ok=True)
        return self.picture(f"{_PARTS}/{name}", picture)

    def preview(self, name: str, picture: UInt8) -> str:
        """Like `part`, but reduced by a whole factor to at most `PREVIEW_PIXELS`."""
        height, width, _ = picture.shape
        factor = 1
        while height * width > PREVIEW_PIXELS * factor**2:
            factor += 1
        return self.part(name, picture if factor == 1 else np.asarray(Image.fromarray(picture).reduce(factor)))

    def step(self, number: int, picture: UInt8) -> str:
        """The preview of a sampling step; all but the last few are deleted. What else is here counts as new, as Gradio
        deletes what is older than `KEPT_SECONDS`."""
        for file in self._path.rglob("*"):
            with suppress(FileNotFoundError):  # a picture that is being written under another name
                os.utime(file)
        path, now = self.preview(f"step-{number}", picture), time.monotonic()
        self._previews.append((now, path))
        while len(self._previews) > _PREVIEWS_KEPT and now - self._previews[0][0] > _PREVIEW_SECONDS:
            Path(self._previews.pop(0)[1]).unlink(missing_ok=True)
        return path

    def stream(self, stem: str, stream: bytes) -> str:
        """Writes ``STEM.bbr``."""
        path = self._path / f"{stem}.bbr"
        path.write_bytes(stream)
        return str(path)


def _tidy(cache: Path) -> None:
    """Removes run folders that are old, or too much together; those that are worked on stay, and count."""
    total = 0
    with suppress(FileNotFoundError):  # where another run tidies at the same time
        folders = sorted(cache.glob(f"{_PREFIX}*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in sorted(folders, key=lambda folder: folder not in _held):
            total += sum(file.stat().st_size for file in folder.rglob("*"))
            with _holding:
                if folder in _held:
                    continue
                if total > KEPT_BYTES or time.time() - folder.stat().st_mtime > 2 * KEPT_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
