"""One stream in one session, and every picture made of it so far."""

import secrets
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from pipeline.comparison import DECODER_NAMES
from pipeline.comparison.differences import ERROR_TOP, Box, error_map, worst_region
from pipeline.errors import ImageError
from pipeline.metrics import Scores
from pipeline.settings import CodecName, DecodeSettings, DecodeStep
from pipeline.stream import read_header
from pipeline.ui.engine import film_steps
from pipeline.ui.figures import Figure
from pipeline.ui.files import PREVIEW_PIXELS, RunFolder
from pipeline.ui.report import Method, Report, captions_html
from pipeline.ui.sides import (
    AUTOENCODER,
    ERROR,
    GRAIN,
    METHODS,
    NEED_ORIGINAL,
    ORIGINAL,
    OTHER,
    REPAINT,
    SIDES,
    ULTRALOW,
    Sides,
)


class Run:
    """Kept in the session's state and filled as pictures are made, so that none is ever made twice.

    Pictures live in files, lossless and of full size; while a decode runs, `previews` stand in for them.
    """

    def __init__(
        self,
        stream: bytes,
        settings: DecodeSettings,
        name: str,
        original: np.ndarray | None = None,
        encode_seconds: float | None = None,
    ):
        self.stream = stream
        self.settings = settings
        self.name = name
        """What its files are called, without a suffix."""
        self.header = read_header(stream)
        self.has_original = original is not None
        self.folder = RunFolder()
        self.files: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        """Bytes behind a side that does not come from the stream."""
        self.scores: dict[str, Scores] = {}
        self.previews: dict[str, str] = {}
        self.film: list[Figure] = []
        """The steps so far, of one region."""
        self.step = self.total = 0
        self.ended = False
        """Whether its decode is over, finished or not."""
        self.declined: set[str] = set()
        """Sides that were asked for, but stopped or failed."""
        self.encode_seconds = encode_seconds
        self.decode_seconds: float | None = None
        self.query = ""
        """The address of this view, from the question mark on; empty for a user's own picture."""
        self._boxes: dict[str, Box] = {}
        self._film_box: Box | None = None
        self._token = secrets.token_hex(4)
        if original is not None:
            self.add(ORIGINAL, original, "Original")

    @property
    def finished(self) -> bool:
        return REPAINT in self.files

    def add(self, side: str, picture: np.ndarray, caption: str, size: int | None = None) -> None:
        """Writes the ``(H, W, 3)`` uint8 picture of a side."""
        self.files[side] = self.folder.picture(f"{self.name}-{side.lower().replace(' ', '-')}", picture)
        self.captions[side] = caption
        if size is not None:
            self.sizes[side] = size

    def picture(self, side: str) -> np.ndarray:
        """``(H, W, 3)`` uint8 of a side that is there.

        Raises:
            ImageError: its file is gone, because many others were made since.
        """
        try:
            with Image.open(self.files[side]) as image:
                return np.asarray(image)
        except FileNotFoundError:
            raise ImageError("This result is no longer kept; press Run to make it again.") from None

    def show_step(self, record: DecodeStep, original: np.ndarray | None) -> None:
        """Takes in a record of a running decode; ``original`` is ``(H, W, 3)`` uint8."""
        self.step, self.total = record.step, record.total
        if record.step == 0:
            self.add(AUTOENCODER, record.image, self.reconstruction_name)
            if record.image.nbytes > 3 * PREVIEW_PIXELS:
                self.previews[AUTOENCODER] = self.folder.preview("autoencoder-preview", record.image)
                if original is not None:
                    self.previews[ORIGINAL] = self.folder.preview("original-preview", original)
            self._film_box = self.region(record.image, original)
        self.previews[REPAINT] = self.folder.step(record.step, record.image)
        self.captions[REPAINT] = f"{DECODER_NAMES[self.settings.decoder]}, step {record.step} of {record.total}"
        if record.step in film_steps(record.total):
            path = self.folder.picture(f"film-{record.step}", self._film_box.crop(record.image))
            title = f"Step {record.step}" if record.step else self.reconstruction_name
            self.film.append(Figure(path, title, (f"noise {record.sigma:.2f}",) if record.step else ()))

    def finish(self, repaint: np.ndarray, caption: str) -> None:
        """Takes in the result of a decode."""
        self.add(REPAINT, repaint, caption)
        self.previews.clear()

    def report(self, device: str, lpips_network: str | None = None, psnr: float | None = None) -> Report:
        """The numbers so far; ``psnr`` is that of a step, in dB."""
        if REPAINT in self.scores:
            psnr = self.scores[REPAINT].psnr
        return Report(
            self.header,
            self.settings.seed,
            device,
            self.encode_seconds,
            self.decode_seconds,
            psnr,
            self.methods(),
            lpips_network if self.scores else None,
        )

    @property
    def reconstruction_name(self) -> str:
        """What the picture is called that the stream alone describes."""
        return "Coarse picture" if self.is_ultralow else "Autoencoder"

    @property
    def is_ultralow(self) -> bool:
        return self.header.codec is CodecName.ULTRALOW

    def can_have(self, side: str) -> bool:
        if side in (OTHER, ULTRALOW) and self.is_ultralow:
            return False
        if side in (REPAINT, GRAIN) and self.ended and not self.finished:
            return False
        return self.has_original or side not in NEED_ORIGINAL

    def missing(self, sides: Sides) -> list[str]:
        """The chosen sides that are still to be made and can be; an error map is made of what it stands beside."""
        chosen = {self._behind(sides.left, sides.right), self._behind(sides.right, sides.left)}
        wanted = [side for side in SIDES if side in chosen and side not in self.files and side not in self.declined]
        return [side for side in wanted if self.can_have(side)]

    def at(self, sides: Sides) -> tuple[tuple[str, str], str]:
        """Slider value and captions; the autoencoder's picture stands in for one that is not there."""
        left, right = self._shown(sides.left, sides.right), self._shown(sides.right, sides.left)
        box = self._box(sides).shares(self.header.width, self.header.height) if self._has_box() else None
        query = f"{self.query}&{urlencode({'left': sides.left, 'right': sides.right})}" if self.query else ""
        missing = self.missing(sides) if self.ended else []
        press = f"complete {self._token} {', '.join(missing)}" if missing else ""
        return (left[0], right[0]), captions_html(left[1], right[1], box, query, press)

    def methods(self) -> tuple[Method, ...]:
        """The rows of the table: everything that was measured."""
        return tuple(
            Method(side.lower(), self.captions[side], self.scores[side], self.sizes.get(side, self.header.total_bytes))
            for side in METHODS
            if side in self.scores
        )

    @staticmethod
    def _behind(side: str, opposite: str) -> str:
        """The picture that a side needs: for an error map, the one it is the error of."""
        if side != ERROR:
            return side
        return REPAINT if opposite in (ORIGINAL, ERROR) else opposite

    def _shown(self, side: str, opposite: str) -> tuple[str, str]:
        """File and caption of a side."""
        behind = self._behind(side, opposite)
        if side == ERROR and self.can_have(side) and behind in self.files and behind not in self.previews:
            return self._error_file(behind), self.captions[f"{ERROR} {behind}"]
        if side in self.previews or side in self.files:
            return self.previews.get(side) or self.files[side], self.captions[side]
        caption = f"{self.reconstruction_name} ({self._why_not(side, behind)})"
        return self.previews.get(AUTOENCODER) or self.files[AUTOENCODER], caption

    def _why_not(self, side: str, behind: str) -> str:
        """Why a side is not there, which needs the picture of ``behind``."""
        if behind in self.declined:
            return f"no {side} was made; choose it again"
        if self.can_have(side) and self.can_have(behind):
            return f"{side} follows"
        if side == OTHER and self.is_ultralow:
            return "the ultra-low codec has one decoder"
        if side == ULTRALOW and self.is_ultralow:
            return "this is the ultra-low codec; see Repaint"
        if not self.has_original and side in NEED_ORIGINAL:
            return "a stream comes without its original"
        return f"no {side} of an unfinished repaint"

    def _error_file(self, behind: str) -> str:
        key = f"{ERROR} {behind}"
        if key not in self.files:
            caption = f"Absolute error of {self.captions[behind]} (black 0, brightest from {ERROR_TOP} of 255)"
            self.add(key, error_map(self.picture(ORIGINAL), self.picture(behind)), caption)
        return self.files[key]

    def _has_box(self) -> bool:
        return self.has_original and self.finished

    def _box(self, sides: Sides) -> Box:
        """Where the right picture is worst, or the left one where the right has no error, or else the repaint."""
        there = [side for side in (sides.right, sides.left) if side in METHODS and side in self.files]
        return self.worst(there[0] if there else REPAINT)

    def worst(self, side: str) -> Box:
        """Where the picture of ``side`` is farthest from the original."""
        if side not in self._boxes:
            self._boxes[side] = self.region(self.picture(side), self.picture(ORIGINAL))
        return self._boxes[side]

    def region(self, picture: np.ndarray, original: np.ndarray | None) -> Box:
        """A quarter of the longer side, 4 : 3, where the two differ most; the middle where there is only one."""
        width = min(max(96, max(self.header.width, self.header.height) // 4), 320)
        height = width * 3 // 4
        if original is not None:
            return worst_region(original, picture, width, height)
        rows, columns = picture.shape[:2]
        width, height = min(width, columns), min(height, rows)
        return Box((columns - width) // 2, (rows - height) // 2, width, height)
