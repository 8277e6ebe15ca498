"""What the page does with one picture: compress a photo, decode a stream, choose what stands beside what."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import gradio as gr
import numpy as np

from pipeline.comparison.catalogue import settings_in_words
from pipeline.images import load_image
from pipeline.metrics import lpips_name, psnr
from pipeline.settings import MAX_SEED, DecodeSettings
from pipeline.ui import methods
from pipeline.ui.checks import check_photo, check_stream, clear_errors
from pipeline.ui.choices import EXAMPLES, Link, example_bytes, example_name, rate_value
from pipeline.ui.engine import Engine, RateControl
from pipeline.ui.files import file_stem
from pipeline.ui.report import progress, sentence, steps_text
from pipeline.ui.run import Run
from pipeline.ui.sides import AUTOENCODER, GRAIN, ORIGINAL, OTHER, REPAINT, Sides
from pipeline.ui.turns import Stopped, Turn, Turns
from pipeline.ui.view import View

STOPPED = sentence("Stopped.")
LOST = sentence("Stopped before it began.")
FAILED = sentence("This could not be finished; the message says why.")
_log = logging.getLogger(__name__)


class Actions:
    """The event handlers over one `Engine`."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._visited = threading.Event()
        """Set when somebody runs something; the warm-up gives way."""

    def compress(
        self,
        photo: str | None,
        rate: RateControl,
        bpp: float,
        quality: float,
        ultralow: float,
        decoder: str,
        steps: int,
        noise: float,
        seed: int | None,
        sides: Sides,
        turns: Turns,
    ) -> Iterator[tuple]:
        """Compress a photo to a stream of real bytes, then paint the lost detail back.

        Yields after every sampling step. The last answer holds the seed that was used, the pair of pictures for the
        slider (lossless PNG), the numbers as JSON, the stream (.bbr) and the repainted picture (PNG).

        Parameters:
            photo: a picture file, up to 24 megapixels
            rate: "bpp" to meet a target bitrate, "quality" to set the quality, "ultralow" for the ultra-low codec
            bpp: target bits per pixel, used with rate "bpp"
            quality: 0 smallest to 1 best, used with rate "quality"
            ultralow: target bits per pixel, used with rate "ultralow"
            decoder: "diffusion" or "flow"
            steps: sampling steps, 1 to 100
            noise: noise level, 0 (the autoencoder's exact picture) to 1 (most realistic)
            seed: whole number; empty draws one
        """
        value = rate_value(rate, bpp, quality, ultralow)
        settings = decode_settings(decoder, steps, noise, seed)
        yield from self._compress(photo, rate, value, settings, sides, turns.take())

    def begin(
        self,
        photo: str,
        rate: RateControl,
        bpp: float,
        quality: float,
        ultralow: float,
        decoder: str,
        steps: int,
        noise: float,
        seed: int,
        sides: Sides,
        turns: Turns,
    ) -> Iterator[tuple]:
        """`compress` for the picture that the page begins with; it ends when the visitor runs another."""
        value = rate_value(rate, bpp, quality, ultralow)
        yield from self._compress(photo, rate, value, decode_settings(decoder, steps, noise, seed), sides, Turn(turns))

    def _compress(
        self,
        photo: str | None,
        rate: RateControl,
        value: float,
        settings: DecodeSettings,
        sides: Sides,
        go_on: Callable[[], None],
    ) -> Iterator[tuple]:
        with clear_errors():
            check_photo(photo)
            self._visited.set()
            view = View(progress("Compressing …"), settings.seed)
            yield view.outputs()
            try:
                run = self.compressed(photo, rate, value, settings, go_on)
            except Stopped:
                yield replace(view, status=stopped(None)).outputs()
                return
            for view in self.run(run, sides, go_on):
                yield view.outputs()

    def decompress(
        self,
        stream: bytes | None,
        decoder: str,
        steps: int,
        noise: float,
        seed: int | None,
        sides: Sides,
        turns: Turns,
    ) -> Iterator[tuple]:
        """Decode a stream that Bitbrush wrote, painting the lost detail back.

        Yields after every sampling step. The last answer is that of `compress`; there is no original in a stream, so
        the numbers hold its size only.

        Parameters:
            stream: a .bbr file
            decoder: "diffusion" or "flow"
            steps: sampling steps, 1 to 100
            noise: noise level, 0 (the autoencoder's exact picture) to 1 (most realistic)
            seed: whole number; empty draws one
        """
        with clear_errors():
            settings = decode_settings(decoder, steps, noise, seed)
            check_stream(stream)
            yield View(progress("Decoding …"), settings.seed).outputs()
            for view in self.run(Run(stream, settings, "stream"), sides, turns.take()):
                yield view.outputs()

    def run(self, run: Run, sides: Sides, go_on: Callable[[], None] = lambda: None) -> Iterator[View]:
        """Decodes step by step, then measures against the original if there is one.

        ``go_on`` is called between the steps; where it raises `Stopped`, the last view is of what is there by then.
        """
        with run.folder.held():
            try:
                for view in self._run(run, sides):
                    yield view
                    if not run.ended:
                        go_on()
            except Stopped:
                run.ended = True
                view = replace(view, status=stopped(run), picture_file=run.files.get(REPAINT))
                yield view.showing(run, sides) if AUTOENCODER in run.files else view
            finally:
                run.ended = True

    def _run(self, run: Run, sides: Sides) -> Iterator[View]:
        known = self._engine.painting(run.stream, run.settings) is not None
        device = self._engine.codec.description
        view = View(
            progress("Decoding …"),
            run.settings.seed,
            report=run.report(device).strip(),
            stream_file=run.folder.stream(run.name, run.stream),
        )
        yield view
        for painted in self._paint(run, sides, view, device):
            view = painted
            if not known:
                yield view
        view = replace(view, status=progress("Measuring …" if run.has_original else "Finishing …"))
        yield view
        if run.has_original:
            for side in (AUTOENCODER, REPAINT):
                methods.score(self._engine, run, side)
                yield view
            for _ in methods.make(self._engine, run, GRAIN):
                yield view
        run.ended = True
        report = run.report(device, lpips_name())
        when = " earlier" if known else ""
        took = f"Painted {steps_text(run.total)} in {run.decode_seconds:.1f} s{when} ({device})."
        view = replace(
            view,
            status=sentence(took),
            report=report.html(),
            numbers=report.numbers(),
            picture_file=run.files[REPAINT],
        )
        yield view.showing(run, sides)

    def _paint(self, run: Run, sides: Sides, view: View, device: str) -> Iterator[View]:
        """Yields a view per sampling step and leaves the autoencoder's picture and the repaint in ``run``."""
        original = run.picture(ORIGINAL) if run.has_original else None
        started = time.monotonic()
        sampling = self._engine.paint(run.stream, run.settings)
        for record in sampling:
            run.decode_seconds = time.monotonic() - started
            run.show_step(record, original)
            step = f"step {record.step} of {record.total}"
            score = psnr(original, record.image) if run.has_original else None
            yield replace(
                view,
                status=progress(f"Painting detail: {step}", record.step, max(1, record.total)),
                report=run.report(device, psnr=score).strip(),
            ).showing(run, sides)
        run.decode_seconds = sampling.seconds
        run.finish(record.image, settings_in_words(run.settings))

    def compressed(
        self,
        photo: str,
        rate: RateControl,
        value: float,
        settings: DecodeSettings,
        go_on: Callable[[], None] = lambda: None,
    ) -> Run:
        """The run of a photo that was checked, its stream made but not decoded; ``go_on`` may end it by raising."""
        content = Path(photo).read_bytes()
        image = load_image(content)
        encoded = self._engine.encode(content, image, rate, value, go_on)
        run = Run(encoded.stream, settings, file_stem(photo, "photo"), np.asarray(image), encoded.seconds)
        example = example_name(content)
        if example:
            run.query = Link(example, rate, value, settings).query()
        return run

    # -- opening the page -------------------------------------------------------------------------------------------

    def open(self, link: Link) -> View | None:
        """The finished view of a link to an example, if it is remembered: at once, without asking the models."""
        encoded = self._engine.encoded(example_bytes(link.example), link.rate, link.value)
        if encoded is None or self._engine.painting(encoded.stream, link.settings) is None:
            return None
        run = self.compressed(str(EXAMPLES[link.example]), link.rate, link.value, link.settings)
        *_, view = self.run(run, link.sides)
        return view

    def warm_up(self) -> None:
        """Load every model and paint the default example in a background thread, so that nobody waits for it."""
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        try:
            link = Link()
            run = self.compressed(str(EXAMPLES[link.example]), link.rate, link.value, link.settings)
            for _ in chain(self.run(run, link.sides), methods.make(self._engine, run, OTHER)):
                if self._visited.is_set():
                    return
        except Exception as error:
            _log.warning("The example is not ready yet, and will be painted when a visitor comes: %s", error)

    # -- what stands beside what ------------------------------------------------------------------------------------

    @staticmethod
    def show(sides: Sides, run: Run | None, left: str, right: str) -> tuple:
        """Choose which pictures stand left and right; those that are not there yet are made on demand."""
        sides.left, sides.right = left, right
        if run is None:
            return gr.skip(), gr.skip()
        run.declined.clear()
        with clear_errors():
            return run.at(sides)

    def complete(self, run: Run | None, sides: Sides, turns: Turns) -> Iterator[tuple]:
        """Make the chosen pictures that are missing: status, slider, captions, table, numbers."""
        go_on, added = turns.take(), []
        if run is None or not run.ended or not run.missing(sides):
            yield (gr.skip(),) * 5
            return
        with clear_errors(), run.folder.held():
            try:
                while missing := run.missing(sides):
                    for progressing in methods.make(self._engine, run, missing[0]):
                        yield progressing, *run.at(sides), gr.skip(), gr.skip()
                        go_on()
                    added.append(missing[0])
                status = sentence(f"Added {', '.join(added)}.")
            except Stopped:
                status = STOPPED
            finally:
                run.declined.update(run.missing(sides))
            report = run.report(self._engine.codec.description, lpips_name())
            yield status, *run.at(sides), report.html(), report.numbers()


def stopped(run: Run | None) -> str:
    """The status of a run that was stopped; None where not even its stream was finished."""
    if run is None or AUTOENCODER not in run.files:
        return sentence("Stopped before the first picture.")
    if run.finished:
        return sentence("Stopped while measuring; the picture is complete.")
    return sentence(f"Stopped after step {run.step} of {run.total}; the repaint is unfinished.")


def draw_seed() -> int:
    """A random seed."""
    return secrets.randbelow(MAX_SEED + 1)


def decode_settings(decoder: str, steps: int, noise: float, seed: int | None) -> DecodeSettings:
    """What the controls say; an empty seed is drawn."""
    return DecodeSettings(decoder, int(steps), noise, draw_seed() if seed is None else int(seed))
