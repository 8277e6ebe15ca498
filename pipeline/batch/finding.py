"""Which files below a folder a batch takes."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.pictures import PICTURE_SUFFIXES


@dataclass
class Found:
    """Names are relative to the folder, with the system's separators, and sorted folder by folder."""

    names: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Sub-folders that cannot be listed, and why."""


def is_picture(name: str) -> bool:
    """Whether a file is called like a picture."""
    return name.lower().endswith(PICTURE_SUFFIXES)


def find(folder: Path, wanted: Callable[[str], bool], leave_out: Path | None = None) -> Found:
    """The files below ``folder`` whose own name is ``wanted``.

    Left out: names that begin with a dot, links to folders (they may lead back), and everything below ``leave_out``.
    """
    found = Found()
    left_out = None if leave_out is None else os.path.realpath(leave_out)

    def note_unreadable(error: OSError) -> None:
        found.unreadable[os.path.relpath(error.filename, folder)] = error.strerror or str(error)

    for path, folders, files in os.walk(folder, onerror=note_unreadable):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(path, name)) != left_out
        )
        for name in sorted(files):
            if not name.startswith(".") and wanted(name):
                found.names.append(os.path.relpath(os.path.join(path, name), folder))
    return found
