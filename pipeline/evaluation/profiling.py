"""Where a compress, a decode to the reconstruction and a paint spend their time."""

import cProfile
import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pipeline import grain, images
from pipeline.autoencoder import Autoencoder
from pipeline.cli.work import png
from pipeline.codec import Codec
from pipeline.entropy import SymbolReader, SymbolWriter
from pipeline.entropy.context import CheckerboardContext
from pipeline.entropy.network import ContextHyperprior
from pipeline.entropy.rounding import rate_distortion_round
from pipeline.metrics import measure
from pipeline.score import ScoreDecoder
from pipeline.score.decoder import WalkStep
from pipeline.score.network import make_condition
from pipeline.score.scale import ResidualScale
from pipeline.settings import DecodeSettings, DecodeStep

PARTS: dict[str, tuple[Callable[..., Any], ...]] = {
    "padding, grain": (images.pad, grain.grain_code),
    "rate model": (Autoencoder.rate_model,),
    "analysis": (Autoencoder.analysis,),
    "hyper-networks": (ContextHyperprior.hyper_synthesis,),
    "context networks": (CheckerboardContext.__init__, CheckerboardContext.first, CheckerboardContext.second),
    "rounding": (rate_distortion_round,),
    "entropy coder": (SymbolWriter.write, SymbolWriter.finish, SymbolReader.read, SymbolReader.finish),
    "synthesis": (Autoencoder.synthesis,),
    "what was not sent": (Autoencoder.unsent,),
    "residual scale, condition": (ResidualScale.forward, make_condition),
    "starting noise": (ScoreDecoder._start,),
    "painter's network": (ScoreDecoder.predict,),
    "sampler": (WalkStep.clean, WalkStep.update),
    "to 8 bits": (images.to_uint8,),
    "metrics": (measure,),
    "PNG": (png,),
}
"""What is told apart: functions of which none calls another. What tiles cost is in what they compute, and in the
rest."""


@dataclass(frozen=True)
class Profile:
    """Seconds of one operation, and of its parts in the order of `PARTS`."""

    name: str
    seconds: float
    parts: dict[str, float]

    def __str__(self) -> str:
        rest = self.seconds - sum(self.parts.values())
        rows = [*((name, seconds) for name, seconds in self.parts.items() if seconds > 0), ("the rest", rest)]
        lines = (f"  {name:26} {seconds:7.3f} s  {seconds / self.seconds:6.1%}" for name, seconds in rows)
        return "\n".join([f"{self.name}: {self.seconds:.3f} s", *lines])


def profile_all(codec: Codec, image: Image.Image, bpp: float, settings: DecodeSettings) -> Iterator[Profile]:
    """A compress to ``bpp``, a decode to the reconstruction, and a paint with metrics and PNG, models loaded."""

    def painted() -> DecodeStep:
        return deque(codec.decode(stream, settings), maxlen=1)[0]

    def paint() -> None:
        picture = painted().image
        measure(np.asarray(image), picture)
        png(picture)

    stream = codec.encode(image, bpp=bpp)
    paint()
    yield _profiled(f"compress to {bpp:g} bpp", lambda: codec.encode(image, bpp=bpp))
    yield _profiled("decode to the reconstruction", lambda: codec.standard.reconstruct(codec.decode_latent(stream)))
    yield _profiled(f"paint: {settings.in_words()}", paint)


def _profiled(name: str, action: Callable[[], object]) -> Profile:
    profiler = cProfile.Profile()
    began = time.perf_counter()
    profiler.runcall(action)
    seconds = time.perf_counter() - began
    spent = {entry.code: entry.totaltime for entry in profiler.getstats()}

    def of(function: Callable[..., Any]) -> float:
        return spent.get(inspect.unwrap(function).__code__, 0.0)

    return Profile(name, seconds, {part: sum(map(of, functions)) for part, functions in PARTS.items()})
