"""A worker that says which process it is, so that this one can be killed."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

from pipeline.files import atomic_path
from pipeline.serving.packing import PackedStep
from pipeline.serving.worker import CodecWorker
from pipeline.settings import DecodeSettings

NAME = "BITBRUSH_TEST_PROCESS"
"""The environment variable with the file that the process id is written to when a decode begins."""


class MortalWorker(CodecWorker):
    async def decode(self, stream: bytes, settings: DecodeSettings, known: int = 0) -> AsyncGenerator[PackedStep, None]:
        with atomic_path(os.environ[NAME]) as partial:
            Path(partial).write_text(str(os.getpid()))
        async for answer in super().decode(stream, settings, known):
            yield answer
