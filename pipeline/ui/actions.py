"""A photo's or a stream's way to its repaint: inputs → settings → engine → records → view."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.arrays import UInt8
from pipeline.pictures import read_picture
from pipeline.settings import DecodeStep
from pipeline.ui import methods, view
from pipeline.ui.checks import check_photo, checked_photo, checked_stream, clear_errors
from pipeline.ui.choices import example_name
from pipeline.ui.engine import Engine, RateControl
from pipeline.ui.files import file_stem
from pipeline.ui.report import progress, sentence, steps_text
from pipeline.ui.request import Request, decode_settings, mask_of
from pipeline.ui.run import Run
from pipeline.ui.sides import PLAIN, Side, Sides
from pipeline.ui.turns import Stopped, Turn, Turns, go_on
from pipeline.ui.view import View

STOPPED = sentence("Stopped.")


class Actions:
    """The event handlers that make a run, over one `Engine`."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.visited = threading.Event()
        """Set when somebody compresses a photo; the warm-up gives way."""

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
        quality_map: str,
        sides: Sides,
        turns: Turns,
        canvas: str | None = None,
        mask: Image.Image | None = None,
    ) -> Iterator[View]:
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
            quality_map: "adaptive", "even", or "painted" to spend the bits where the mask is bright; standard codec
            mask: of quality_map "painted": a picture file of the photo's shape
        """
        with clear_errors():
            controls = photo, rate, bpp, quality, ultralow, decoder, steps, noise, seed
            request = Request.of_controls(*controls, quality_map, mask_of(photo, canvas, mask))
            yield from self._photo(request, sides, turns.take())

    def begin(self, *inputs: Any) -> Iterator[View]:
        """`compress` for the picture that the page begins with; it ends when the visitor runs another."""
        *controls, sides, turns, canvas, mask = inputs
        with clear_errors():
            request = Request.of_controls(*(*controls, mask_of(controls[0], canvas, mask)))
            turns.opening = True
            try:
                yield from self._photo(request, sides, Turn(turns))
            finally:
                turns.opening = False

    def _photo(self, request: Request, sides: Sides, go_on: Callable[[], None]) -> Iterator[View]:
        check_photo(request.photo)
        self.visited.set()
        first = View(progress("Compressing …"), request.settings.seed)
        yield first
        try:
            run = self.encode(request, go_on)
        except Stopped:
            yield first._replace(status=_stopped(None))
            return
        yield from self.decode(run, sides, go_on)

    def decompress(
        self,
        stream: bytes | None,
        decoder: str,
        steps: int,
        noise: float,
        seed: int | None,
        sides: Sides,
        turns: Turns,
    ) -> Iterator[View]:
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
            content = checked_stream(stream)
            yield View(progress("Decoding …"), settings.seed)
            yield from self.decode(Run(content, settings, "stream"), sides, turns.take())

    def encode(self, request: Request, go_on: Callable[[], None] = go_on) -> Run:
        """The run of a photo, its stream made but not decoded; ``go_on`` may end it by raising."""
        path = checked_photo(request.photo)
        content = Path(path).read_bytes()
        picture = read_picture(content)
        encoded = self.engine.encode(content, picture.image, request.rate, request.value, go_on, request.allocation)
        return Run(
            encoded.stream,
            request.settings,
            file_stem(path, "photo"),
            np.asarray(picture.image),
            encoded.seconds,
            request.query(example_name(content)),
            picture.notes + request.notes,
        )

    def decode(self, run: Run, sides: Sides, go_on: Callable[[], None] = go_on) -> Iterator[View]:
        """Paints step by step, then measures against the original if there is one.

        ``go_on`` is called between the steps and while one is waited for; where it raises `Stopped`, the last view is
        of what is there by then.
        """
        with run.pictures.folder.held():
            try:
                for shown in self._views(run, sides, go_on):
                    yield shown
                    if not run.decoding.ended:
                        go_on()
            except Stopped:
                run.decoding.ended = True
                run.pictures.complete()
                run.declined.update(view.missing(run, sides))
                shown = shown._replace(status=_stopped(run))
                yield self._sent(run, shown).showing(run, sides) if Side.AUTOENCODER in run.pictures else shown
            finally:
                run.decoding.ended = True
                run.pictures.complete()

    def _views(self, run: Run, sides: Sides, go_on: Callable[[], None]) -> Iterator[View]:
        known = self.engine.painting(run.stream, run.settings) is not None
        run.qualities = self.engine.qualities(run.stream)
        shown = View(progress("Decoding …"), run.settings.seed)
        yield shown
        for side in view.plain(run, sides):
            for status in methods.add(self.engine, run, side, go_on):
                yield shown._replace(status=status)
        for painted in self._painting(run, sides, shown, go_on):
            shown = painted
            if not known:
                yield shown
        shown = shown._replace(status=progress("Measuring …" if run.has_original else "Finishing …"))
        yield shown
        if run.has_original:
            for side in (Side.AUTOENCODER, Side.REPAINT, *(side for side in PLAIN if side in run.pictures)):
                methods.score(self.engine, run, side)
                yield shown.showing(run, sides)
            for _ in methods.make(self.engine, run, Side.GRAIN, go_on):
                yield shown.showing(run, sides)
        run.decoding.ended = True
        yield self._finished(run, shown, known).showing(run, sides)

    def _painting(self, run: Run, sides: Sides, shown: View, go_on: Callable[[], None]) -> Iterator[View]:
        """Yields a view per sampling step and leaves the autoencoder's picture and the repaint in ``run``; from the
        view of the last step on, a stop loses nothing."""
        original = run.pictures.read(Side.ORIGINAL) if run.has_original else None
        started = time.monotonic()
        sampling = self.engine.paint(run.stream, run.settings, go_on)
        for record in sampling:
            run.decoding.seconds = time.monotonic() - started
            run.take(record, original)
            if record.step < record.total:
                yield self._step(run, shown, record, original).showing(run, sides)
        run.finish(record.image, sampling.seconds)
        yield self._step(run, shown, record, original).showing(run, sides)

    def _step(self, run: Run, shown: View, record: DecodeStep, original: UInt8 | None) -> View:
        from pipeline.metrics import psnr

        status = f"Painting detail: step {record.step} of {record.total}"
        painting = shown._replace(status=progress(status, record.step, max(1, record.total)))
        return self._sent(run, painting, None if original is None else psnr(original, record.image))

    def _sent(self, run: Run, shown: View, psnr: float | None = None) -> View:
        """The same with what is known of an unfinished run: the stream, its numbers, ``psnr`` of a step."""
        return shown._replace(
            report=view.report(run, self.engine, psnr=psnr).strip(),
            numbers=None,
            stream_file=run.stream_file,
            picture_file=run.pictures.files.get(Side.REPAINT),
        )

    def _finished(self, run: Run, shown: View, known: bool) -> View:
        report = view.report(run, self.engine, scored=True)
        took = f"Painted {steps_text(run.decoding.total)} in {run.decoding.seconds:.1f} s{' earlier' if known else ''}"
        return shown._replace(
            status=sentence(f"{took} ({report.device})."),
            report=report.html(),
            numbers=report.numbers(),
            picture_file=run.pictures.files[Side.REPAINT],
        )


def _stopped(run: Run | None) -> str:
    """The status of a run that was stopped; None where not even its stream was finished."""
    if run is None or Side.AUTOENCODER not in run.pictures:
        return sentence("Stopped before the first picture.")
    if run.finished:
        return sentence("Stopped while measuring; the picture is complete.")
    return sentence(f"Stopped after step {run.decoding.step} of {run.decoding.total}; the repaint is unfinished.")
