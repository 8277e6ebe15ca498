"""One picture at one rate, and what the methods of the catalogue may ask of it."""

from collections.abc import Callable, Generator
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from PIL import Image

from pipeline.arrays import UInt8
from pipeline.comparison.baselines import PlainResult, encode_plain
from pipeline.settings import EVEN, Allocation, DecodeSettings, DecodeStep, SystemName

if TYPE_CHECKING:
    from pipeline.codec import Codec

T = TypeVar("T")
Working = Generator[DecodeStep, None, T]
"""Work that yields the sampling steps on its way and returns its result."""
Watch = Callable[[DecodeStep], object]
"""Is shown every sampling step."""


class Subject(Protocol):
    """A picture at one rate. All its pictures are ``(height, width, 3)`` uint8, and each is made once."""

    @property
    def original(self) -> UInt8:
        """The picture that was compressed."""

    @property
    def stream(self) -> bytes:
        """The compressed picture."""

    @property
    def budget(self) -> int:
        """Bytes of the stream, which no other file may exceed."""

    @property
    def reconstruction(self) -> UInt8:
        """The picture that the stream alone describes."""

    def paint(self, settings: DecodeSettings) -> Working[UInt8]:
        """The decoder's picture; yields the steps that have to be sampled for it."""

    def plain(self, codec: str) -> PlainResult:
        """The original through one of `PLAIN_CODECS` within the budget.

        Raises:
            ImageError: the format cannot hold a picture of this size.
        """

    def through(self, codec: SystemName, bpp: float, allocation: Allocation = EVEN) -> "Subject":
        """The same picture in a stream of this compression system, of at most ``bpp`` bits per pixel."""


def ignore(step: DecodeStep) -> None:
    """The `Watch` that looks away."""


def finish(working: Working[T], watch: Watch = ignore) -> T:
    """Does all of the work and returns its result."""
    while True:
        try:
            watch(next(working))
        except StopIteration as done:
            return cast(T, done.value)


class CodecSubject:
    """A `Subject` whose stream a `Codec` made, with all its pictures in memory."""

    def __init__(self, codec: "Codec", original: UInt8, stream: bytes = b"", budget: int | None = None):
        """Methods that need the ``budget`` alone can do without a stream; it is the stream's size unless given."""
        self._codec = codec
        self._painted: dict[DecodeSettings, UInt8] = {}
        self.original = original
        self.stream = stream
        self.budget = len(stream) if budget is None else budget

    @cached_property
    def reconstruction(self) -> UInt8:
        return self._codec.reconstruct(self.stream)

    def paint(self, settings: DecodeSettings) -> Working[UInt8]:
        if settings not in self._painted:
            for record in self._codec.decode(self.stream, settings):
                yield record
            self._painted[settings] = record.image
        return self._painted[settings]

    def plain(self, codec: str) -> PlainResult:
        return encode_plain(Image.fromarray(self.original), codec, self.budget)

    def through(self, codec: SystemName, bpp: float, allocation: Allocation = EVEN) -> "CodecSubject":
        stream = self._codec.encode(Image.fromarray(self.original), bpp=bpp, codec=codec, allocation=allocation)
        return CodecSubject(self._codec, self.original, stream)
