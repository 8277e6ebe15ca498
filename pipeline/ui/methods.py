"""How each picture of the comparison is made from a finished run."""

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from pipeline.baselines import PLAIN_CODECS, add_grain, matched_grain_sigma
from pipeline.metrics import psnr
from pipeline.settings import DEFAULT_SETTINGS, MAX_SEED, CodecName, Decoder, DecodeSettings
from pipeline.ui.choices import RANGES, recommended
from pipeline.ui.engine import Engine
from pipeline.ui.report import progress, steps_text
from pipeline.ui.run import DECODER_NAMES, Run, settings_in_words
from pipeline.ui.sides import AUTOENCODER, GRAIN, METHODS, ORIGINAL, OTHER, PLAIN, REPAINT, SAMPLE, ULTRALOW

ULTRALOW_BPP = 0.03
"""What the ultra-low codec may take where it stands beside the standard one."""


def make(engine: Engine, run: Run, side: str) -> Iterator[str]:
    """Adds the picture and the scores of ``side`` to a finished ``run``, yielding the status on the way."""
    if side == GRAIN:
        yield progress("Adding plain grain …")
        _add_grain(run)
    elif side in PLAIN:
        yield progress(f"Compressing as {side} …")
        _add_plain(engine, run, side)
    elif side == ULTRALOW:
        yield from _add_ultralow(engine, run)
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
    picture = yield from _painted(engine, run.stream, settings, what)
    seed = f", seed {settings.seed}" if settings.seed != run.settings.seed else ""
    run.add(side, picture, settings_in_words(settings) + seed)


def _painted(engine: Engine, stream: bytes, settings: DecodeSettings, what: str) -> Generator[str, None, np.ndarray]:
    """The picture of a decode; yields the status, which begins with ``what``."""
    for record in engine.paint(stream, settings):
        yield progress(f"{what}: step {record.step} of {record.total}", record.step, max(1, record.total))
    return record.image


def _add_ultralow(engine: Engine, run: Run) -> Iterator[str]:
    """Another stream of the same photo, by the other codec: in no more bytes, and at most `ULTRALOW_BPP`."""
    yield progress("Compressing with the ultra-low codec …")
    original = run.picture(ORIGINAL)
    bpp = max(RANGES["ultralow"][0], min(ULTRALOW_BPP, run.header.bpp))
    stream = engine.encode(None, Image.fromarray(original), "ultralow", bpp).stream
    settings = DEFAULT_SETTINGS[CodecName.ULTRALOW]
    picture = yield from _painted(engine, stream, settings, "Painting the ultra-low stream")
    run.add(ULTRALOW, picture, f"Ultra-low codec, {steps_text(settings.num_inference_steps)}", len(stream))


def _add_grain(run: Run) -> None:
    average, original = run.picture(AUTOENCODER), run.picture(ORIGINAL)
    sigma = matched_grain_sigma(average, original, psnr(original, run.picture(REPAINT)), run.settings.seed)
    run.add(GRAIN, add_grain(average, sigma, run.settings.seed), f"Grain control, σ {sigma:.1f}")


def _add_plain(engine: Engine, run: Run, side: str) -> None:
    codec = PLAIN[side]
    result = engine.plain(Image.fromarray(run.picture(ORIGINAL)), codec, run.header.total_bytes)
    size = len(result.data)
    remark = "" if size <= run.header.total_bytes else ", its smallest"
    run.add(side, result.image, f"{PLAIN_CODECS[codec].label}, quality {result.quality}{remark}", size)
