"""Workers in this process, in place of Ray's."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import torch

from pipeline.codec import Codec
from pipeline.serving.pool import WorkerLost
from pipeline.serving.worker import CodecWorker


class HereWorkers:
    """One `CodecWorker` that is asked without anything between; at every ask it may die after so many answers."""

    def __init__(self, codec_factory: Callable[[], Codec], *lifetimes: int):
        self._worker = CodecWorker(codec_factory, torch.get_num_threads())
        self._lifetimes = iter(lifetimes)
        self.asked: list[tuple[Any, ...]] = []
        self.given = 0
        """Answers of all asks."""

    async def ask(self, method: str, *arguments: Any) -> AsyncGenerator[Any, None]:
        self.asked.append((method, *arguments))
        left = next(self._lifetimes, None)
        async with aclosing(getattr(self._worker, method)(*arguments)) as answers:
            async for answer in answers:
                if left == 0:
                    raise WorkerLost("killed")
                left = None if left is None else left - 1
                self.given += 1
                yield answer
