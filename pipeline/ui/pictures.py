"""The pictures of one run, lossless and of full size in files, with their captions, sizes and scores."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pipeline.arrays import Float64, UInt8
from pipeline.ui.figures import stem
from pipeline.ui.files import NotKeptError, RunFolder
from pipeline.ui.sides import Side

if TYPE_CHECKING:
    from pipeline.comparison.differences import Box
    from pipeline.metrics import Scores


class Pictures:
    """Every picture by its name, a `Side` or a sample's, made once."""

    def __init__(self, stem: str):
        """``stem`` begins the names of the files."""
        self.folder = RunFolder()
        self.files: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        """Bytes behind a picture that does not come from the stream."""
        self.scores: dict[str, Scores] = {}
        self.previews: dict[str, str] = {}
        """Stand in for files while a decode runs."""
        self.refusals: dict[str, str] = {}
        """Why a method cannot take this photo, by its side."""
        self._stem = stem
        self._boxes: dict[str, Box] = {}
        self._crops: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def add(self, name: str, picture: UInt8, caption: str, size: int | None = None) -> None:
        """Writes an ``(H, W, 3)`` uint8 picture."""
        self.files[name] = self.folder.picture(f"{self._stem}-{stem(name)}", picture)
        self.captions[name] = caption
        if size is not None:
            self.sizes[name] = size

    def read(self, name: str) -> UInt8:
        """``(H, W, 3)`` uint8 of a picture that is there.

        Raises:
            NotKeptError: its file is gone.
        """
        return _pixels(self.files[name])

    def shown(self, name: str) -> str:
        """The file that the page shows of a picture that is there or has a preview."""
        return self.previews.get(name) or self.files[name]

    def complete(self) -> None:
        """Previews of what is there in full are needed no longer."""
        for name in self.files:
            self.previews.pop(name, None)

    def crop(self, name: str, box: "Box") -> str:
        """The file of the part of a picture that is compared side by side."""
        if name not in self._crops:
            self._crops[name] = self.folder.part(f"crop-{stem(name)}", box.crop(self.read(name)))
        return self._crops[name]

    def error_map(self, name: str) -> tuple[str, str]:
        """File and caption of the error map of a picture."""
        from pipeline.comparison.differences import ERROR_TOP, error_map

        key = f"{Side.ERROR} {name}"
        if key not in self.files:
            caption = f"Absolute error of {self.captions[name]} (black 0, brightest from {ERROR_TOP} of 255)"
            self.add(key, error_map(self.read(Side.ORIGINAL), self.read(name)), caption)
        return self.files[key], self.captions[key]

    def overlaid(self, file: str, qualities: Float64, width: int, height: int) -> str:
        """The file of one of these pictures, given by its file, under the quality map of ``width`` x ``height``
        pixels."""
        from pipeline.comparison.overlay import map_overlay

        key = f"map over {file}"
        if key not in self.files:
            picture = map_overlay(_pixels(file), qualities, width, height)
            self.files[key] = self.folder.part(f"{Path(file).stem}-bits", picture)
        return self.files[key]

    def worst(self, name: str) -> "Box":
        """Where a picture is farthest from the original."""
        if name not in self._boxes:
            self._boxes[name] = region(self.read(name), self.read(Side.ORIGINAL))
        return self._boxes[name]


def _pixels(file: str) -> UInt8:
    """``(H, W, 3)`` uint8."""
    try:
        with Image.open(file) as image:
            return np.asarray(image)
    except FileNotFoundError:
        raise NotKeptError from None


def region(picture: UInt8, original: UInt8 | None) -> "Box":
    """A quarter of the longer side, 4 : 3, where the two differ most; the middle where there is only one."""
    from pipeline.comparison.differences import Box, worst_region

    rows, columns = picture.shape[:2]
    width = min(max(96, max(columns, rows) // 4), 320)
    height = width * 3 // 4
    if original is not None:
        return worst_region(original, picture, width, height)
    width, height = min(width, columns), min(height, rows)
    return Box((columns - width) // 2, (rows - height) // 2, width, height)
