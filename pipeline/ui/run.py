"""One stream in one session: what it was made with, and what its decode has come to."""

import secrets
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.arrays import Float64, UInt8
from pipeline.settings import DECODER_NAMES, DecodeSettings, DecodeStep, SystemName
from pipeline.stream import StreamHeader, read_header
from pipeline.ui.engine import film_steps
from pipeline.ui.figures import Figure, stem
from pipeline.ui.files import PREVIEW_PIXELS
from pipeline.ui.pictures import Pictures, region
from pipeline.ui.sides import NEED_ORIGINAL, Side


@dataclass
class Decoding:
    """How far a run's decode is."""

    step: int = 0
    total: int = 0
    seconds: float | None = None
    ended: bool = False
    """Whether it is over, finished or not."""
    film: list[Figure] = field(default_factory=list)
    """The steps so far, of one region."""


class Run:
    """Kept in the session's state and filled as pictures are made, so that none is ever made twice."""

    def __init__(
        self,
        stream: bytes,
        settings: DecodeSettings,
        name: str,
        original: UInt8 | None = None,
        encode_seconds: float | None = None,
        query: str = "",
        notes: tuple[str, ...] = (),
    ):
        """A run whose decode is still to come.

        Args:
            name: what its files are called, without a suffix.
            original: ``(H, W, 3)`` uint8.
            query: the address of this view, from the question mark on; empty for a user's own picture.
            notes: what has to be said about the photo, in full sentences.
        """
        self.stream = stream
        self.settings = settings
        self.name = name
        self.encode_seconds = encode_seconds
        self.query = query
        self.notes = notes
        self.pictures = Pictures(name)
        self.decoding = Decoding()
        self.declined: set[str] = set()
        """Sides that were asked for, but stopped or failed."""
        self.token = secrets.token_hex(4)
        """Tells runs apart in the page's script."""
        self.lpips_network: str | None = None
        """That the scores are by."""
        self.qualities: Float64 | None = None
        """`Engine.qualities` of the stream, once it is known."""
        if original is not None:
            self.pictures.add(Side.ORIGINAL, original, "Original")

    @cached_property
    def header(self) -> StreamHeader:
        return read_header(self.stream)

    @cached_property
    def stream_file(self) -> str:
        """The file of the stream, written when somebody asks for it."""
        return self.pictures.folder.stream(self.name, self.stream)

    @property
    def has_original(self) -> bool:
        return Side.ORIGINAL in self.pictures

    @property
    def finished(self) -> bool:
        return Side.REPAINT in self.pictures

    @property
    def is_ultralow(self) -> bool:
        return self.header.codec is SystemName.ULTRALOW

    @property
    def reconstruction_name(self) -> str:
        """What the picture is called that the stream alone describes."""
        return "Coarse picture" if self.is_ultralow else "Autoencoder"

    def size(self, name: str) -> int:
        """Bytes behind a picture: those of its own file, or of the stream."""
        return self.pictures.sizes.get(name, self.header.total_bytes)

    def can_have(self, side: str) -> bool:
        """Whether the picture of a side can be made of this run."""
        if side in self.pictures.refusals or (side in (Side.OTHER, Side.ULTRALOW) and self.is_ultralow):
            return False
        if side in (Side.REPAINT, Side.GRAIN) and self.decoding.ended and not self.finished:
            return False
        return self.has_original or side not in NEED_ORIGINAL

    def take(self, record: DecodeStep, original: UInt8 | None) -> None:
        """Takes in a record of the running decode; ``original`` is ``(H, W, 3)`` uint8."""
        pictures, decoding = self.pictures, self.decoding
        decoding.step, decoding.total = record.step, record.total
        if record.step == 0:
            pictures.add(Side.AUTOENCODER, record.image, self.reconstruction_name)
            if record.image.nbytes > 3 * PREVIEW_PIXELS:
                for name in pictures.files:
                    pictures.previews[name] = pictures.folder.preview(f"{stem(name)}-preview", pictures.read(name))
            self._film_box = region(record.image, original)
        pictures.previews[Side.REPAINT] = pictures.folder.step(record.step, record.image)
        pictures.captions[Side.REPAINT] = (
            f"{DECODER_NAMES[self.settings.decoder]}, step {record.step} of {record.total}"
        )
        if record.step in film_steps(record.total):
            path = pictures.folder.part(f"film-{record.step}", self._film_box.crop(record.image))
            title = f"Step {record.step}" if record.step else self.reconstruction_name
            decoding.film.append(Figure(path, title, (f"noise {record.sigma:.2f}",) if record.step else ()))

    def finish(self, repaint: UInt8, seconds: float) -> None:
        """Takes in the result of the decode, ``(H, W, 3)`` uint8, and the seconds that it took."""
        self.decoding.seconds = seconds
        self.pictures.add(Side.REPAINT, repaint, self.settings.in_words())
        self.pictures.complete()
