"""What a worker process does: one codec, one job at a time, its answers as a stream."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

import torch
from PIL import Image

from pipeline.arrays import Float64, UInt8
from pipeline.codec import Codec
from pipeline.comparison.baselines import PlainResult
from pipeline.metrics import Scores
from pipeline.serving.packing import PackedStep, pack
from pipeline.settings import DecodeSettings, SystemName
from pipeline.ui.work import Check, Encoded, LocalWork

Result = TypeVar("Result")


class CodecWorker:
    """`LocalWork` whose every method is a stream of answers; where its reader goes away, the work ends.

    All computing is done in one thread, so that the event loop stays free to hear of that.
    """

    def __init__(self, codec_factory: Callable[[], Codec], threads: int):
        """Loads the codecs.

        Args:
            threads: of torch. Pictures that are painted depend on it: by one grey level here and there.
        """
        self._thread = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(threads,))
        self._work = LocalWork(codec_factory)
        for name in SystemName:
            self._work.codec.system(name).prepare()

    async def facts(self) -> AsyncGenerator[tuple[str, str | None], None]:
        """Device and precision, and the network of LPIPS."""
        yield await self._in_thread(lambda check: (self._work.description, self._work.lpips_network))

    async def encode(self, image: Image.Image, options: Mapping[str, Any]) -> AsyncGenerator[Encoded, None]:
        """One answer, see `Codec.encode`."""
        yield await self._in_thread(lambda check: self._work.encode(image, check, **options))

    async def decode(self, stream: bytes, settings: DecodeSettings, known: int = 0) -> AsyncGenerator[PackedStep, None]:
        """The records of `Codec.decode` but for the first ``known``, which another worker has answered already."""
        steps = self._work.decode(stream, settings)
        try:
            for number in count():
                timed = await self._in_thread(lambda check: next(steps, None))
                if timed is None:
                    return
                if number >= known:
                    yield pack(*timed)
        finally:
            self._thread.submit(steps.close)

    async def qualities(self, stream: bytes) -> AsyncGenerator[Float64, None]:
        """One answer: the quality of each cell of a stream."""
        yield await self._in_thread(lambda check: self._work.qualities(stream))

    async def plain(self, image: Image.Image, codec: str, max_bytes: int) -> AsyncGenerator[PlainResult, None]:
        """One answer, see `pipeline.comparison.baselines.encode_plain`."""
        yield await self._in_thread(lambda check: self._work.plain(image, codec, max_bytes))

    async def measure(self, original: UInt8, picture: UInt8) -> AsyncGenerator[Scores, None]:
        """One answer, see `pipeline.metrics.measure`."""
        yield await self._in_thread(lambda check: self._work.measure(original, picture))

    async def _in_thread(self, work: Callable[[Check], Result]) -> Result:
        """What ``work`` returns; its check raises once nobody waits for that any more."""
        left = threading.Event()

        def check() -> None:
            if left.is_set():
                raise asyncio.CancelledError

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, check)
        except asyncio.CancelledError:
            left.set()
            raise
