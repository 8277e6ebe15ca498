"""How each picture of the comparison is made from a finished run: by a method of the catalogue."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from PIL import Image

from pipeline.arrays import UInt8
from pipeline.errors import ImageError
from pipeline.settings import DECODER_NAMES, EVEN, MAX_SEED, Allocation, Decoder, DecodeSettings, SystemName
from pipeline.ui.choices import recommended
from pipeline.ui.engine import Engine, RateControl
from pipeline.ui.report import progress
from pipeline.ui.run import Run
from pipeline.ui.sides import METHODS, PLAIN, Side
from pipeline.ui.turns import go_on

if TYPE_CHECKING:
    from pipeline.comparison import Method, Working
    from pipeline.comparison.baselines import PlainResult


class RunSubject:
    """The `Subject` of a finished run, read from its files; what the run lacks is made or remembered by the engine."""

    def __init__(self, engine: Engine, run: Run, check: Callable[[], None], stream: bytes | None = None):
        """``check`` is asked while others compute, and ends it by raising; ``stream`` is another one than the run's
        own, made of the same original."""
        self._engine = engine
        self._run = run
        self._check = check
        self.stream = run.stream if stream is None else stream
        self.budget = len(self.stream)

    @cached_property
    def original(self) -> UInt8:
        return self._run.pictures.read(Side.ORIGINAL)

    @cached_property
    def reconstruction(self) -> UInt8:
        if self.stream == self._run.stream:
            return self._run.pictures.read(Side.AUTOENCODER)
        return next(iter(self._engine.paint(self.stream, DecodeSettings(Decoder.AUTOENCODER)))).image

    def paint(self, settings: DecodeSettings) -> "Working[UInt8]":
        if (self.stream, settings) == (self._run.stream, self._run.settings):
            return self._run.pictures.read(Side.REPAINT)
        for record in self._engine.paint(self.stream, settings, self._check):
            yield record
        return record.image

    def plain(self, codec: str) -> "PlainResult":
        return self._engine.plain(Image.fromarray(self.original), codec, self.budget)

    def through(self, codec: SystemName, bpp: float, allocation: Allocation = EVEN) -> "RunSubject":
        control: RateControl = "ultralow" if codec is SystemName.ULTRALOW else "bpp"
        encoded = self._engine.encode(None, Image.fromarray(self.original), control, bpp, self._check, allocation)
        return RunSubject(self._engine, self._run, self._check, encoded.stream)


def make(engine: Engine, run: Run, side: Side, check: Callable[[], None] = go_on) -> Iterator[str]:
    """Adds the picture and the scores of ``side`` to a finished ``run``, yielding the status on the way; where the
    method cannot take the photo, the reason. ``check`` as of `RunSubject`."""
    yield from add(engine, run, side, check)
    if side in run.pictures:
        score(engine, run, side)


def add(engine: Engine, run: Run, side: Side, check: Callable[[], None] = go_on) -> Iterator[str]:
    """`make` without the scores; conventional codecs need no finished run."""
    from pipeline.comparison import catalogue

    try:
        if side is Side.GRAIN:
            yield progress("Adding plain grain …")
            yield from _add(engine, run, side, catalogue.matched_grain(run.settings), check)
        elif side in PLAIN:
            yield progress(f"Compressing as {side} …")
            yield from _add(engine, run, side, catalogue.plain(PLAIN[side]), check)
        elif side is Side.ULTRALOW:
            yield progress("Compressing with the ultra-low codec …")
            yield from _add(engine, run, side, catalogue.ultralow(), check, "Painting the ultra-low stream")
        elif side in (Side.OTHER, Side.SAMPLE):
            settings = other_decoder(run.settings) if side is Side.OTHER else another_sample(run.settings)
            what = f"Painting with {DECODER_NAMES[settings.decoder].lower()}"
            yield from add_repaint(engine, run, side, settings, what, check)
    except ImageError as error:
        run.pictures.refusals[side] = str(error)


def score(engine: Engine, run: Run, side: Side) -> None:
    """Measures a side against the original, if there is one."""
    if run.has_original and side in METHODS:
        pictures = run.pictures
        run.lpips_network = engine.lpips_network
        pictures.scores[side] = engine.measure(pictures.read(Side.ORIGINAL), pictures.read(side))


def score_rest(engine: Engine, run: Run, check: Callable[[], None]) -> None:
    """Measures the sides that are there without scores, as a stop leaves them; ``check`` is asked before each."""
    for side in METHODS:
        if side in run.pictures and side not in run.pictures.scores:
            check()
            score(engine, run, side)


def other_decoder(settings: DecodeSettings) -> DecodeSettings:
    """The decoder that was not chosen, with its recommended number of steps."""
    other = Decoder.FLOW if settings.decoder is Decoder.DIFFUSION else Decoder.DIFFUSION
    return replace(settings, decoder=other, num_inference_steps=recommended("bpp", other).num_inference_steps)


def another_sample(settings: DecodeSettings, by: int = 1) -> DecodeSettings:
    """The same with another seed."""
    return replace(settings, seed=(settings.seed + by) % (MAX_SEED + 1))


def add_repaint(
    engine: Engine, run: Run, name: str, settings: DecodeSettings, what: str, check: Callable[[], None]
) -> Iterator[str]:
    """Adds another decode of the stream as ``name``, yielding the status, which begins with ``what``."""
    from pipeline.comparison.catalogue import repaint

    seed = f", seed {settings.seed}" if settings.seed != run.settings.seed else ""
    yield from _add(engine, run, name, repaint(settings), check, what, seed)


def _add(
    engine: Engine,
    run: Run,
    name: str,
    method: "Method",
    check: Callable[[], None],
    what: str = "",
    remark: str = "",
) -> Iterator[str]:
    """Adds what ``method`` makes of the run; ``what`` begins the status of its steps, ``remark`` ends the caption."""
    making = method.make(RunSubject(engine, run, check))
    while True:
        try:
            record = next(making)
        except StopIteration as done:
            made = done.value
            break
        yield progress(f"{what}: step {record.step} of {record.total}", record.step, max(1, record.total))
    run.pictures.add(name, made.picture, made.label + remark, made.bytes)
