"""The page's side: `Work` done by workers elsewhere, of which any may die at any time."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Any, Protocol, cast

from PIL import Image

from pipeline.arrays import Float64, UInt8
from pipeline.comparison.baselines import PlainResult
from pipeline.errors import BitbrushError
from pipeline.metrics import Scores
from pipeline.serving.packing import unpack
from pipeline.settings import DecodeSettings
from pipeline.ui.work import Check, Encoded, TimedSteps

TRIES = 3
"""How many workers may die in a row over one answer; then it is taken to be the job's fault."""
POLL_SECONDS = 0.2
"""How long a Stop may go unnoticed."""


class WorkerLost(Exception):
    """The worker died, or cannot be reached any more, before it had answered."""


class WorkerError(BitbrushError):
    """Every worker that took up a job died of it."""


class Workers(Protocol):
    """The way to the workers: a handle of Ray Serve (`pipeline.serving.cluster`), or in tests this process itself."""

    def ask(self, method: str, *arguments: Any) -> AsyncGenerator[Any, None]:
        """Streams the answers of a `CodecWorker`'s method, by a worker that is free or the first to become so. Where
        the reader is cancelled, so is the work.

        Raises:
            WorkerLost: ask again, and another worker takes it up.
            BitbrushError: or whatever else the method raised.
        """


class WorkerPool:
    """`Work` by several workers at once.

    A job needs no more than what it is asked with: of a decode stream and seed. So where a worker dies, another does
    the same again, and the answers that were there already are left out.
    """

    def __init__(self, workers: Workers, places: int):
        """``places`` is the number of workers, or the largest that there may be."""
        self.places = places
        self._workers = workers
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="workers", daemon=True).start()

    @property
    def description(self) -> str:
        return self._facts[0]

    @property
    def lpips_network(self) -> str | None:
        return self._facts[1]

    @cached_property
    def _facts(self) -> tuple[str, str | None]:
        return cast(tuple[str, str | None], self._answer(_go_on, "facts"))

    def encode(self, image: Image.Image, check: Check, **options: Any) -> Encoded:
        return cast(Encoded, self._answer(check, "encode", image, options))

    def decode(self, stream: bytes, settings: DecodeSettings, check: Check) -> TimedSteps:
        for packed in self._answers(check, lambda known: self._workers.ask("decode", stream, settings, known)):
            yield unpack(packed)

    def qualities(self, stream: bytes) -> Float64:
        return cast(Float64, self._answer(_go_on, "qualities", stream))

    def plain(self, image: Image.Image, codec: str, max_bytes: int) -> PlainResult:
        return cast(PlainResult, self._answer(_go_on, "plain", image, codec, max_bytes))

    def measure(self, original: UInt8, picture: UInt8) -> Scores:
        return cast(Scores, self._answer(_go_on, "measure", original, picture))

    def _answer(self, check: Check, method: str, *arguments: Any) -> Any:
        """The one answer of a method."""
        (answer,) = self._answers(check, lambda known: self._workers.ask(method, *arguments))
        return answer

    def _answers(self, check: Check, ask: Callable[[int], AsyncGenerator[Any, None]]) -> Generator[Any, None, None]:
        """The answers of a worker; where it dies, another is asked for those after the first that are known already."""
        known = lost = 0
        while True:
            try:
                for answer in self._stream(check, ask(known)):
                    known, lost = known + 1, 0
                    yield answer
                return
            except WorkerLost as error:
                lost += 1
                if lost == TRIES:
                    raise WorkerError(
                        "The workers could not finish this; try again in a minute, or with a smaller picture."
                    ) from error

    def _stream(self, check: Check, answers: AsyncGenerator[Any, None]) -> Generator[Any, None, None]:
        """The answers of one worker, from the event loop's thread to this one."""
        inbox: SimpleQueue[Any] = SimpleQueue()

        async def fetch() -> None:
            async for answer in answers:
                inbox.put(answer)

        fetching = asyncio.run_coroutine_threadsafe(fetch(), self._loop)
        fetching.add_done_callback(inbox.put)
        try:
            while (answer := _next(inbox, check)) is not fetching:
                yield answer
            fetching.result()
        finally:
            fetching.cancel()


def _next(inbox: "SimpleQueue[Any]", check: Check) -> Any:
    while True:
        try:
            return inbox.get(timeout=POLL_SECONDS)
        except Empty:
            check()


def _go_on() -> None:
    """The check of what is never stopped."""
