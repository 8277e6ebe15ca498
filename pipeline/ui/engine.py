"""The codec as the page uses it: never asked twice for the same thing."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from pipeline.arrays import Float64, UInt8
from pipeline.cache import ByteCache, KeyLocks
from pipeline.settings import EVEN, Allocation, DecodeSettings, DecodeStep, SystemName
from pipeline.stream import has_map
from pipeline.ui.turns import go_on
from pipeline.ui.work import Encoded, LocalWork, Work, shipped_codec

if TYPE_CHECKING:
    from pipeline.codec import Codec
    from pipeline.comparison.baselines import PlainResult
    from pipeline.metrics import Scores

RateControl = Literal["bpp", "quality", "ultralow"]
"""What sets the size: a target bitrate or a quality of the standard codec, a target bitrate of the ultra-low one."""
STREAM_BYTES_KEPT = 16_000_000
PLAIN_BYTES_KEPT = 64_000_000
PAINTING_BYTES_KEPT = 64_000_000
SCORE_BYTES_KEPT = 500_000
_SCORE_BYTES = 1000
"""Of one entry, keys and overhead included."""
FRAMES = 8
"""How many steps of a sampling a filmstrip shows."""


@dataclass(frozen=True)
class Painting:
    """A finished decode: its first record, its last, and some between."""

    records: tuple[DecodeStep, ...]
    seconds: float
    """Spent in the codec."""


class Sampling:
    """A decode on its way: its records, and the seconds that they have cost so far. It ends with its last reference."""

    def __init__(self, records: Iterator[DecodeStep], seconds: Sequence[float]):
        """``seconds`` grows with every record."""
        self._records = records
        self._seconds = seconds

    def __iter__(self) -> Iterator[DecodeStep]:
        return self._records

    @property
    def seconds(self) -> float:
        """Spent in the codec."""
        return sum(self._seconds)


class Engine:
    """One codec for all sessions, and what it made lately."""

    def __init__(self, codec_factory: Callable[[], "Codec"] = shipped_codec, work: Work | None = None):
        """The codec of ``codec_factory`` computes in this process, unless other ``work`` is given."""
        self._work = work or LocalWork(codec_factory)
        self._encoding = KeyLocks()
        self._streams: ByteCache[Encoded] = ByteCache(STREAM_BYTES_KEPT, lambda encoded: len(encoded.stream))
        self._plain: ByteCache[PlainResult] = ByteCache(PLAIN_BYTES_KEPT, lambda it: len(it.data) + it.image.nbytes)
        self._scores: ByteCache[Scores] = ByteCache(SCORE_BYTES_KEPT, lambda scores: _SCORE_BYTES)
        self._paintings: ByteCache[Painting] = ByteCache(PAINTING_BYTES_KEPT, lambda it: _picture_bytes(it.records))

    @property
    def places(self) -> int:
        """How many runs it can serve at once."""
        return self._work.places

    @property
    def description(self) -> str:
        """Device and precision, for people."""
        return self._work.description

    def encoded(self, photo: bytes, control: RateControl, value: float, allocation: Allocation) -> Encoded | None:
        """What `encode` made of this file before, if it is still known."""
        return self._streams.get((hashlib.sha256(photo).digest(), control, value, _told_by(allocation)))

    def encode(
        self,
        photo: bytes | None,
        image: Image.Image,
        control: RateControl,
        value: float,
        check: Callable[[], None] = go_on,
        allocation: Allocation = EVEN,
    ) -> Encoded:
        """The stream of ``image``; the meaning of ``value`` depends on ``control``.

        Args:
            photo: the file ``image`` was loaded from, if there is one: the cache then knows the stream by it.
            check: called now and then, at least between the attempts at a bitrate; what it raises ends the encoding.
        """
        source = _fingerprint(image) if photo is None else hashlib.sha256(photo).digest()
        key = source, control, value, _told_by(allocation)
        with self._encoding.of(key, check):
            encoded = self._streams.get(key)
            if encoded is None:
                quality, bpp = (value, None) if control == "quality" else (None, value)
                options = dict(quality=quality, bpp=bpp, codec=codec_behind(control), allocation=allocation)
                encoded = self._work.encode(image, check, **options)
                self._streams.put(key, encoded)
            return encoded

    def painting(self, stream: bytes, settings: DecodeSettings) -> Painting | None:
        """The finished decode of a stream, if it is still known."""
        return self._paintings.get((stream, settings))

    def paint(self, stream: bytes, settings: DecodeSettings, check: Callable[[], None] = go_on) -> Sampling:
        """`Codec.decode`; of a `painting` that is known, only the records that were kept.

        Args:
            check: called while a step is waited for that others compute; what it raises ends the decoding.
        """
        known = self.painting(stream, settings)
        if known:
            return Sampling(iter(known.records), (known.seconds,))
        seconds: list[float] = []
        return Sampling(self._painted(stream, settings, check, seconds), seconds)

    def _painted(
        self, stream: bytes, settings: DecodeSettings, check: Callable[[], None], seconds: list[float]
    ) -> Iterator[DecodeStep]:
        records: list[DecodeStep] = []
        with closing(self._work.decode(stream, settings, check)) as steps:
            for record, took in steps:
                seconds.append(took)
                if record.step in film_steps(record.total) and _picture_bytes(records) <= PAINTING_BYTES_KEPT:
                    records.append(record)
                yield record
        self._paintings.put((stream, settings), Painting(tuple(records), sum(seconds)))

    def qualities(self, stream: bytes) -> Float64 | None:
        """The quality in [0, 1] of each cell ``(rows, columns)`` of a stream; None where it is the same in all."""
        return self._work.qualities(stream) if has_map(stream) else None

    def plain(self, image: Image.Image, codec: str, max_bytes: int) -> "PlainResult":
        """`pipeline.comparison.baselines.encode_plain`, remembered."""
        key = _fingerprint(image), codec, max_bytes
        result = self._plain.get(key)
        if result is None:
            result = self._work.plain(image, codec, max_bytes)
            self._plain.put(key, result)
        return result

    def measure(self, original: UInt8, picture: UInt8) -> "Scores":
        """`pipeline.metrics.measure`, remembered."""
        key = tuple(_fingerprint(each) for each in (original, picture))
        scores = self._scores.get(key)
        if scores is None:
            scores = self._work.measure(original, picture)
            self._scores.put(key, scores)
        return scores

    @property
    def lpips_network(self) -> str | None:
        """`pipeline.metrics.lpips_name`."""
        return self._work.lpips_network


def codec_behind(control: RateControl) -> SystemName:
    """The compression system that a rate control belongs to."""
    return SystemName.ULTRALOW if control == "ultralow" else SystemName.STANDARD


def film_steps(total: int) -> list[int]:
    """The steps of a sampling that are kept: the first, the last, and evenly between; at most `FRAMES`."""
    return sorted({round(step) for step in np.linspace(0, total, min(FRAMES, total + 1))})


def _fingerprint(picture: Image.Image | UInt8) -> tuple[tuple[int, ...], bytes]:
    """What tells pictures apart: their size and a hash of their pixels."""
    pixels = np.ascontiguousarray(picture)
    return pixels.shape, hashlib.sha256(pixels.data).digest()


def _told_by(allocation: Allocation) -> tuple[object, ...]:
    """What tells allocations apart."""
    mask = None if allocation.mask is None else _fingerprint(allocation.mask)
    return allocation.kind, allocation.strength, mask


def _picture_bytes(records: Sequence[DecodeStep]) -> int:
    return sum(record.image.nbytes for record in records)
