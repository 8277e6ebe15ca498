"""The codec as the page uses it: loaded once, on first need, and never asked twice for the same thing.

What computes is imported when it is first asked for, so that the page is there before.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from pipeline.arrays import Float64, UInt8
from pipeline.cache import ByteCache
from pipeline.settings import EVEN, Allocation, CodecName, DecodeSettings, DecodeStep
from pipeline.stream import QUALITY_STEPS, has_map
from pipeline.ui.zerogpu import on_gpu

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


def shipped_codec() -> "Codec":
    """The codec over the checkpoints that come with Bitbrush."""
    from pipeline.codec import Codec

    return Codec.from_pretrained()


@dataclass(frozen=True)
class Encoded:
    """A stream and what it took to make it."""

    stream: bytes
    seconds: float


@dataclass(frozen=True)
class Painting:
    """A finished decode: its first record, its last, and some between."""

    records: tuple[DecodeStep, ...]
    seconds: float
    """Spent in the codec."""


class Sampling:
    """A decode on its way: its records, and the seconds that they have cost so far."""

    def __init__(self, records: Callable[["Sampling"], Iterator[DecodeStep]], seconds: float = 0.0):
        self.seconds = seconds
        """Spent in the codec."""
        self._records = records(self)

    def __iter__(self) -> Iterator[DecodeStep]:
        return self._records


class Engine:
    """One codec for all sessions, and what it made lately."""

    def __init__(self, codec_factory: Callable[[], "Codec"] = shipped_codec):
        self._factory = codec_factory
        self._codec: Codec | None = None
        self._loading = threading.Lock()
        self._encoding = threading.Lock()
        self._encode, self._decode = on_gpu(self._encode_here), on_gpu(self._decode_here)
        self._streams: ByteCache[Encoded] = ByteCache(STREAM_BYTES_KEPT, lambda encoded: len(encoded.stream))
        self._plain: ByteCache[PlainResult] = ByteCache(PLAIN_BYTES_KEPT, lambda it: len(it.data) + it.image.nbytes)
        self._scores: ByteCache[Scores] = ByteCache(SCORE_BYTES_KEPT, lambda scores: _SCORE_BYTES)
        self._paintings: ByteCache[Painting] = ByteCache(PAINTING_BYTES_KEPT, lambda it: _picture_bytes(it.records))

    @property
    def codec(self) -> "Codec":
        with self._loading:
            if self._codec is None:
                self._codec = self._factory()
            return self._codec

    def encoded(self, photo: bytes, control: RateControl, value: float, allocation: Allocation) -> Encoded | None:
        """What `encode` made of this file before, if it is still known."""
        return self._streams.get((hashlib.sha256(photo).digest(), control, value, _told_by(allocation)))

    def encode(
        self,
        photo: bytes | None,
        image: Image.Image,
        control: RateControl,
        value: float,
        check: Callable[[], None] = lambda: None,
        allocation: Allocation = EVEN,
    ) -> Encoded:
        """The stream of ``image``; the meaning of ``value`` depends on ``control``.

        Args:
            photo: the file ``image`` was loaded from, if there is one: the cache then knows the stream by it.
            check: called between the attempts at a bitrate; what it raises ends the encoding.
        """
        with self._encoding:
            source = _fingerprint(image) if photo is None else hashlib.sha256(photo).digest()
            key = source, control, value, _told_by(allocation)
            encoded = self._streams.get(key)
            if encoded is None:
                self.codec.system(codec_behind(control)).prepare()  # loading the models is no part of the time
                started = time.monotonic()
                stream = self._encode(image, control, value, check, allocation)
                encoded = Encoded(stream, time.monotonic() - started)
                self._streams.put(key, encoded)
            return encoded

    def painting(self, stream: bytes, settings: DecodeSettings) -> Painting | None:
        """The finished decode of a stream, if it is still known."""
        return self._paintings.get((stream, settings))

    def paint(self, stream: bytes, settings: DecodeSettings) -> Sampling:
        """`Codec.decode`; of a `painting` that is known, only the records that were kept."""
        known = self.painting(stream, settings)
        if known:
            return Sampling(lambda _: iter(known.records), known.seconds)
        return Sampling(lambda sampling: self._painted(stream, settings, sampling))

    def _painted(self, stream: bytes, settings: DecodeSettings, sampling: Sampling) -> Iterator[DecodeStep]:
        records: list[DecodeStep] = []
        decode = self._decode(stream, settings)
        while True:
            started = time.monotonic()
            record = next(decode, None)
            sampling.seconds += time.monotonic() - started
            if record is None:
                break
            if record.step in film_steps(record.total) and _picture_bytes(records) <= PAINTING_BYTES_KEPT:
                records.append(record)
            yield record
        self._paintings.put((stream, settings), Painting(tuple(records), sampling.seconds))

    def _encode_here(
        self, image: Image.Image, control: RateControl, value: float, check: Callable[[], None], allocation: Allocation
    ) -> bytes:
        quality, bpp = (value, None) if control == "quality" else (None, value)
        codec = codec_behind(control)
        return self.codec.encode(image, quality=quality, bpp=bpp, codec=codec, allocation=allocation, check=check)

    def _decode_here(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        yield from self.codec.decode(stream, settings)

    def qualities(self, stream: bytes) -> Float64 | None:
        """The quality in [0, 1] of each cell ``(rows, columns)`` of a stream; None where it is the same in all."""
        if not has_map(stream):
            return None
        codes: Float64 = self.codec.quality_map(stream).codes[0, 0].numpy()
        return codes / QUALITY_STEPS

    def plain(self, image: Image.Image, codec: str, max_bytes: int) -> "PlainResult":
        """`pipeline.comparison.baselines.encode_plain`, remembered."""
        from pipeline.comparison.baselines import encode_plain

        key = _fingerprint(image), codec, max_bytes
        result = self._plain.get(key)
        if result is None:
            result = encode_plain(image, codec, max_bytes)
            self._plain.put(key, result)
        return result

    def measure(self, original: UInt8, picture: UInt8) -> "Scores":
        """`pipeline.metrics.measure`, remembered."""
        from pipeline.metrics import measure

        key = tuple(_fingerprint(each) for each in (original, picture))
        scores = self._scores.get(key)
        if scores is None:
            scores = measure(original, picture)
            self._scores.put(key, scores)
        return scores

    @property
    def lpips_network(self) -> str | None:
        """`pipeline.metrics.lpips_name`."""
        from pipeline.metrics import lpips_name

        return lpips_name()


def codec_behind(control: RateControl) -> CodecName:
    """The compression system that a rate control belongs to."""
    return CodecName.ULTRALOW if control == "ultralow" else CodecName.STANDARD


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
