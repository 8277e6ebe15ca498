"""Who computes for the page: this process (`LocalWork`), or others that offer the same (`pipeline.serving`).

What computes is imported when it is first asked for, so that the page is there before.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from pipeline.arrays import Float64, UInt8
from pipeline.settings import DecodeSettings, DecodeStep
from pipeline.stream import QUALITY_STEPS
from pipeline.ui.zerogpu import on_gpu, portable

if TYPE_CHECKING:
    from pipeline.codec import Codec
    from pipeline.comparison.baselines import PlainResult
    from pipeline.metrics import Scores

Check = Callable[[], None]
"""Called while work goes on; what it raises ends the work."""
TimedSteps = Generator[tuple[DecodeStep, float], None, None]
"""The records of a decode, each with the seconds that it took; closing it ends the decode."""


@dataclass(frozen=True)
class Encoded:
    """A stream and what it took to make it."""

    stream: bytes
    seconds: float


class Work(Protocol):
    """All that the page has computed; to be called by several threads."""

    @property
    def places(self) -> int:
        """How many runs it can serve at once."""

    @property
    def description(self) -> str:
        """Device and precision, for people."""

    @property
    def lpips_network(self) -> str | None:
        """`pipeline.metrics.lpips_name`."""

    def encode(self, image: Image.Image, check: Check, **options: Any) -> Encoded:
        """`Codec.encode` with its ``options``."""

    def decode(self, stream: bytes, settings: DecodeSettings, check: Check) -> TimedSteps:
        """`Codec.decode`; ``check`` is called where steps are waited for that other processes compute."""

    def qualities(self, stream: bytes) -> Float64:
        """The quality in [0, 1] of each cell ``(rows, columns)`` of a stream."""

    def plain(self, image: Image.Image, codec: str, max_bytes: int) -> "PlainResult":
        """`pipeline.comparison.baselines.encode_plain`."""

    def measure(self, original: UInt8, picture: UInt8) -> "Scores":
        """`pipeline.metrics.measure`."""


def shipped_codec() -> "Codec":
    """The codec over the checkpoints that come with Bitbrush."""
    from pipeline.codec import Codec

    return Codec.from_pretrained()


class LocalWork:
    """`Work` of one codec in this process, loaded on first need."""

    places = 1

    def __init__(self, codec_factory: Callable[[], "Codec"] = shipped_codec):
        self._factory = codec_factory
        self._codec: Codec | None = None
        self._loading = threading.Lock()
        self._encoding = threading.Lock()
        self._encode, self._decode = on_gpu(self._encode_here), on_gpu(self._decode_here)

    @property
    def codec(self) -> "Codec":
        with self._loading:
            if self._codec is None:
                self._codec = self._factory()
            return self._codec

    @property
    def description(self) -> str:
        return self.codec.description

    @property
    def lpips_network(self) -> str | None:
        from pipeline.metrics import lpips_name

        return lpips_name()

    def encode(self, image: Image.Image, check: Check, **options: Any) -> Encoded:
        with self._encoding:  # waiting is no part of the time, and neither is loading the models
            self.codec.system(options["codec"]).prepare()
            started = time.monotonic()
            check()
            stream = self._encode(image, portable(check), options)
            return Encoded(stream, time.monotonic() - started)

    def decode(self, stream: bytes, settings: DecodeSettings, check: Check = lambda: None) -> TimedSteps:
        decoding = self._decode(stream, settings)
        while True:
            started = time.monotonic()
            record = next(decoding, None)
            if record is None:
                return
            yield record, time.monotonic() - started

    def qualities(self, stream: bytes) -> Float64:
        codes: Float64 = self.codec.quality_map(stream).codes[0, 0].numpy()
        return codes / QUALITY_STEPS

    def plain(self, image: Image.Image, codec: str, max_bytes: int) -> "PlainResult":
        from pipeline.comparison.baselines import encode_plain

        return encode_plain(image, codec, max_bytes)

    def measure(self, original: UInt8, picture: UInt8) -> "Scores":
        from pipeline.metrics import measure

        return measure(original, picture)

    def _encode_here(self, image: Image.Image, check: Check, options: Mapping[str, Any]) -> bytes:
        return self.codec.encode(image, check=check, **options)

    def _decode_here(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        yield from self.codec.decode(stream, settings)
