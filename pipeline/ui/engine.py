"""The codec as the page uses it: loaded once, on first need, and never asked twice for the same thing."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from pipeline.baselines import PlainResult, encode_plain
from pipeline.metrics import Scores, measure
from pipeline.settings import CodecName, DecodeSettings, DecodeStep
from pipeline.ui.zerogpu import on_gpu

if TYPE_CHECKING:
    from pipeline.codec import Codec

RateControl = Literal["bpp", "quality", "ultralow"]
"""What sets the size: a target bitrate or a quality of the standard codec, a target bitrate of the ultra-low one."""
STREAMS_KEPT = 64
SCORES_KEPT = 512
PAINTING_BYTES_KEPT = 64_000_000
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


class Cache(OrderedDict):
    """The values used last, up to a total size."""

    def __init__(self, limit: int, size: Callable[[object], int] = lambda value: 1):
        super().__init__()
        self._limit, self._size, self._lock = limit, size, threading.Lock()

    def get(self, key, default=None):
        with self._lock:
            if key in self:
                self.move_to_end(key)
            return super().get(key, default)

    def put(self, key, value) -> None:
        with self._lock:
            self[key] = value
            while sum(map(self._size, self.values())) > self._limit:
                self.popitem(last=False)


class Engine:
    """One codec for all sessions, and what it made lately."""

    def __init__(self, codec_factory: Callable[[], "Codec"] = shipped_codec):
        self._factory = codec_factory
        self._codec: Codec | None = None
        self._loading = threading.Lock()
        self._encoding = threading.Lock()
        self._encode, self._decode = on_gpu(self._encode_here), on_gpu(self._decode_here)
        self._streams = Cache(STREAMS_KEPT)
        self._plain = Cache(STREAMS_KEPT)
        self._scores = Cache(SCORES_KEPT)
        self._paintings = Cache(
            PAINTING_BYTES_KEPT, lambda painting: sum(record.image.nbytes for record in painting.records)
        )

    @property
    def codec(self) -> "Codec":
        with self._loading:
            if self._codec is None:
                self._codec = self._factory()
            return self._codec

    def encoded(self, photo: bytes, control: RateControl, value: float) -> Encoded | None:
        """What `encode` made of this file before, if it is still known."""
        return self._streams.get((hashlib.sha256(photo).digest(), control, value))

    def encode(self, photo: bytes, image: Image.Image, control: RateControl, value: float) -> Encoded:
        """The stream of ``image``; the meaning of ``value`` depends on ``control``.

        Args:
            photo: the file ``image`` was loaded from; its hash and the rate are the key of the cache.
        """
        with self._encoding:
            encoded = self.encoded(photo, control, value)
            if encoded is None:
                self.codec.system(codec_behind(control)).prepare()  # loading the models is no part of the time
                started = time.monotonic()
                stream = self._encode(image, control, value)
                encoded = Encoded(stream, time.monotonic() - started)
                self._streams.put((hashlib.sha256(photo).digest(), control, value), encoded)
            return encoded

    def painting(self, stream: bytes, settings: DecodeSettings) -> Painting | None:
        """The finished decode of a stream, if it is still known."""
        return self._paintings.get((stream, settings))

    def paint(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        """`Codec.decode`; of a `painting` that is known, only the records that were kept. Returns the seconds."""
        known = self.painting(stream, settings)
        if known:
            yield from known.records
            return known.seconds
        records, seconds = [], 0.0
        decode = self._decode(stream, settings)
        while True:
            started = time.monotonic()
            record = next(decode, None)
            seconds += time.monotonic() - started
            if record is None:
                break
            if record.step in film_steps(record.total):
                records.append(record)
            yield record
        self._paintings.put((stream, settings), Painting(tuple(records), seconds))
        return seconds

    def _encode_here(self, image: Image.Image, control: RateControl, value: float) -> bytes:
        rate = {"quality": value} if control == "quality" else {"bpp": value}
        return self.codec.encode(image, **rate, codec=codec_behind(control))

    def _decode_here(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        yield from self.codec.decode(stream, settings)

    def plain(self, image: Image.Image, codec: str, max_bytes: int) -> PlainResult:
        """`pipeline.baselines.encode_plain`, remembered."""
        key = hashlib.sha256(image.tobytes()).digest(), image.size, codec, max_bytes
        result = self._plain.get(key)
        if result is None:
            result = encode_plain(image, codec, max_bytes)
            if result.image.nbytes * STREAMS_KEPT <= PAINTING_BYTES_KEPT:
                self._plain.put(key, result)
        return result

    def measure(self, original: np.ndarray, picture: np.ndarray) -> Scores:
        """`pipeline.metrics.measure`, remembered."""
        key = tuple((each.shape, hashlib.sha256(np.ascontiguousarray(each)).digest()) for each in (original, picture))
        scores = self._scores.get(key)
        if scores is None:
            scores = measure(original, picture)
            self._scores.put(key, scores)
        return scores


def codec_behind(control: RateControl) -> CodecName:
    """The compression system that a rate control belongs to."""
    return CodecName.ULTRALOW if control == "ultralow" else CodecName.STANDARD


def film_steps(total: int) -> list[int]:
    """The steps of a sampling that are kept: the first, the last, and evenly between; at most `FRAMES`."""
    return sorted({round(step) for step in np.linspace(0, total, min(FRAMES, total + 1))})
