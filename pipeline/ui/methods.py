"""How each picture of the comparison is made from a finished run: by a method of the catalogue."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
from PIL import Image

from pipeline.comparison import DECODER_NAMES, Method, Working
from pipeline.comparison.baselines import PlainResult
from pipeline.comparison.catalogue import matched_grain, plain, repaint, ultralow
from pipeline.settings import MAX_SEED, CodecName, Decoder, DecodeSettings
from pipeline.ui.choices import recommended
from pipeline.ui.engine import Engine
from pipeline.ui.report import progress
from pipeline.ui.run import Run
from pipeline.ui.sides import AUTOENCODER, GRAIN, METHODS, ORIGINAL, OTHER, PLAIN, REPAINT, SAMPLE, ULTRALOW


class RunSubject:
    """The `Subject` of a finished run, read from its files; what the run lacks is made or remembered by the engine."""

    def __init__(self, engine: Engine, run: Run, stream: bytes | None = None):
        """``stream`` is another one than the run's own, made of the same original."""
        self._engine = engine
        self._run = run
        self.stream = run.stream if stream is None else stream
        self.budget = len(self.stream)

    @cached_property
    def original(self) -> np.ndarray:
        return self._run.picture(ORIGINAL)

    @cached_property
    def reconstruction(self) -> np.ndarray:
        if self.stream == self._run.stream:
            return self._run.picture(AUTOENCODER)
        return next(iter(self._engine.paint(self.stream, DecodeSettings(Decoder.AUTOENCODER)))).image

    def paint(self, settings: DecodeSettings) -> Working[np.ndarray]:
        if (self.stream, settings) == (self._run.stream, self._run.settings):
            return self._run.picture(REPAINT)
        for record in self._engine.paint(self.stream, settings):
            yield record
        return record.image

    def plain(self, codec: str) -> PlainResult:
        return self._engine.plain(Image.fromarray(self.original), codec, self.budget)

    def through(self, codec: CodecName, bpp: float) -> "RunSubject":
        control = "ultralow" if codec is CodecName.ULTRALOW else "bpp"
        encoded = self._engine.encode(None, Image.fromarray(self.original), control, bpp)
        return RunSubject(self._engine, self._run, encoded.stream)


def make(engine: Engine, run: Run, side: str) -> Iterator[str]:
    """Adds the picture and the scores of ``side`` to a finished ``run``, yielding the status on the way."""
    if side == GRAIN:
        yield progress("Adding plain grain …")
        yield from _add(engine, run, side, matched_grain(run.settings))
    elif side in PLAIN:
        yield progress(f"Compressing as {side} …")
        yield from _add(engine, run, side, plain(PLAIN[side]))
    elif side == ULTRALOW:
        yield progress("Compressing with the ultra-low codec …")
        yield from _add(engine, run, side, ultralow(), "Painting the ultra-low stream")
    elif side in (OTHER, SAMPLE):
        settings = other_decoder(run.settings) if side == OTHER else another_sample(run.settings)
        what = f"Painting with {DECODER_NAMES[settings.decoder].lower()}"
        yield from add_repaint(engine, run, side, settings, what)
    score(engine, run, side)


def score(engine: Engine, run: Run, side: str) -> None:
    """Measures a side against the original, if there is one."""
    if run.has_original and side in METHODS:
        run.scores[side] = engine.measure(run.picture(ORIGINAL), run.picture(side))


def other_decoder(settings: DecodeSettings) -> DecodeSettings:
    """The decoder that was not chosen, with its recommended number of steps."""
    other = Decoder.FLOW if settings.decoder is Decoder.DIFFUSION else Decoder.DIFFUSION
    return replace(settings, decoder=other, num_inference_steps=recommended("bpp", other).num_inference_steps)


def another_sample(settings: DecodeSettings, by: int = 1) -> DecodeSettings:
    """The same with another seed."""
    return replace(settings, seed=(settings.seed + by) % (MAX_SEED + 1))


def add_repaint(engine: Engine, run: Run, side: str, settings: DecodeSettings, what: str) -> Iterator[str]:
    """Adds another decode of the stream as ``side``, yielding the status, which begins with ``what``."""
    seed = f", seed {settings.seed}" if settings.seed != run.settings.seed else ""
    yield from _add(engine, run, side, repaint(settings), what, seed)


def _add(engine: Engine, run: Run, side: str, method: Method, what: str = "", remark: str = "") -> Iterator[str]:
    """Adds what ``method`` makes of the run; ``what`` begins the status of its steps, ``remark`` ends the caption."""
    making = method.make(RunSubject(engine, run))
    while True:
        try:
            record = next(making)
        except StopIteration as done:
            made = done.value
            break
        yield progress(f"{what}: step {record.step} of {record.total}", record.step, max(1, record.total))
    run.add(side, made.picture, made.label + remark, made.bytes)
