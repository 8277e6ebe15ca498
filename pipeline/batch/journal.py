"""What of a batch is done: one line of JSON for each output, written when the output has its name.

A resumed run skips an input when its last line was written by a run of the same settings and weights, when what is read
for it has the size and time that it had then, and when the output is there with the same SHA-256. So a stream that was
cut off, damaged, replaced, or made otherwise is made again, and one that was finished just before a crash, before its
line was written, too.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pipeline.batch.table import Line
from pipeline.errors import SettingsError

JOURNAL = ".bitbrush-batch.jsonl"
"""In the folder of the outputs."""


@dataclass(frozen=True)
class Entry:
    """A finished output."""

    sources: tuple[tuple[int, int], ...]
    """Size and time of change, in nanoseconds, of every file that was read for it."""
    digest: str
    """SHA-256 of the output."""
    line: Line


def states(sources: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """As in `Entry`; raises `OSError`."""
    found = (path.stat() for path in sources)
    return tuple((state.st_size, state.st_mtime_ns) for state in found)


def digest(content: bytes) -> str:
    """As in `Entry`."""
    return hashlib.sha256(content).hexdigest()


class Journal:
    """The entries of one setting in an open file."""

    def __init__(self, file: IO[bytes], settings: str):
        self._file, self._settings = file, settings
        self._entries: dict[str, Entry] = {}
        content = file.read()
        for line in content.splitlines():
            self._read(line)
        if content and not content.endswith(b"\n"):
            file.write(b"\n")

    def _read(self, text: bytes) -> None:
        try:
            state = json.loads(text)
            entry = Entry(tuple(map(tuple, state["sources"])), state["digest"], Line(**state["line"]))
        except (ValueError, KeyError, TypeError):  # cut off when a run was killed
            return
        self._entries.pop(entry.line.name, None)
        if state["settings"] == self._settings:
            self._entries[entry.line.name] = entry

    def done(self, name: str, sources: Iterable[Path], output: Path) -> Line | None:
        """The line of an input whose output is there as it was made; None where it has to be made."""
        entry = self._entries.get(name)
        try:
            if entry and entry.sources == states(sources) and entry.digest == digest(output.read_bytes()):
                return entry.line
        except OSError:
            pass
        return None

    def add(self, entry: Entry) -> None:
        """Writes the line of an output that has its name; raises `SettingsError` where there is no room for it."""
        try:
            self._file.write(json.dumps(asdict(entry) | {"settings": self._settings}).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise SettingsError(f"{self._file.name} cannot be written ({error.strerror}); make room for it.") from None


@contextmanager
def open_journal(folder: Path, settings: str, keep: bool) -> Iterator[Journal]:
    """The journal of an existing folder, emptied first unless its lines are to be kept.

    Raises:
        SettingsError: another run is writing to the folder, or it cannot be written to.
    """
    path = folder / JOURNAL
    try:
        file = path.open("a+b")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}); choose another folder.") from None
    with file:
        _lock(file, folder)
        if not keep:
            file.truncate(0)
        file.seek(0)
        yield Journal(file, settings)


def _lock(file: IO[bytes], folder: Path) -> None:
    """Until the file is closed, or this process ends in whatever way."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"Another run is writing to {folder}; wait for it, or choose another folder.") from None
    except OSError as error:
        raise SettingsError(f"{folder} cannot be locked ({error.strerror}); choose another folder.") from None
