"""What the page does: compress a photo, decode a stream, and choose what stands left and right of the slider."""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
import numpy as np

from pipeline.baselines import add_grain, matched_grain_sigma
from pipeline.errors import BitbrushError, ImageError, StreamError
from pipeline.images import image_size, load_image
from pipeline.metrics import lpips_name, measure, psnr
from pipeline.settings import MAX_SEED, Decoder, DecodeSettings
from pipeline.stream import read_header
from pipeline.ui.engine import Engine, RateControl
from pipeline.ui.files import RunFolder, file_stem
from pipeline.ui.report import Method, Report, header_in_words, progress, sentence, steps_text
from pipeline.ui.view import AUTOENCODER, GRAIN, ORIGINAL, REPAINT, Shown, Sides, View

DECODER_NAMES = {Decoder.DIFFUSION: "Diffusion", Decoder.FLOW: "Rectified flow"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A stream to decode and how to show it."""

    stream: bytes
    settings: DecodeSettings
    name: str
    """What its files are called, without a suffix."""
    sides: Sides
    original: np.ndarray | None = None
    """``(H, W, 3)`` uint8, if known."""


class Actions:
    """The event handlers over one `Engine`."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def compress(
        self,
        photo: str | None,
        rate: RateControl,
        bpp: float,
        quality: float,
        decoder: str,
        steps: int,
        noise: float,
        seed: int | None,
        sides: Sides,
    ) -> Iterator[tuple]:
        """Compress a photo to a stream of real bytes, then paint the lost detail back.

        Yields after every sampling step. The last answer holds the pair of pictures for the slider (lossless PNG),
        the numbers as JSON, the seed that was used, the stream (.bbr) and the repainted picture (PNG).

        Parameters:
            photo: a picture file, up to 24 megapixels
            rate: "bpp" to meet a target bitrate, "quality" to set the quality
            bpp: target bits per pixel, used with rate "bpp"
            quality: 0 smallest to 1 best, used with rate "quality"
            decoder: "diffusion" or "flow"
            steps: sampling steps, 1 to 100
            noise: noise level, 0 (the autoencoder's exact picture) to 1 (most realistic)
            seed: whole number; empty draws one
        """
        with clear_errors():
            settings = _settings(decoder, steps, noise, seed)
            check_photo(photo)
            yield View(progress("Compressing …"), settings.seed).outputs()
            content = Path(photo).read_bytes()
            image = load_image(content)
            stream = self._engine.encode(content, image, rate, bpp if rate == "bpp" else quality)
            job = Job(stream, settings, file_stem(photo, "photo"), sides, np.asarray(image))
            for view in self._run(job):
                yield view.outputs()

    def decompress(
        self,
        stream: bytes | None,
        decoder: str,
        steps: int,
        noise: float,
        seed: int | None,
        sides: Sides,
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
            settings = _settings(decoder, steps, noise, seed)
            check_stream(stream)
            yield View(progress("Decoding …"), settings.seed).outputs()
            for view in self._run(Job(stream, settings, "stream", sides)):
                yield view.outputs()

    def _run(self, job: Job) -> Iterator[View]:
        """Decodes step by step, then measures against the original if there is one."""
        rate = Report(read_header(job.stream), job.settings.seed)
        folder = RunFolder()
        view = View(
            progress("Decoding …"),
            job.settings.seed,
            report=rate.strip(),
            stream_file=folder.stream(job.name, job.stream),
        )
        yield view
        started = time.monotonic()
        view, average, repaint = yield from self._paint(job, view, folder)
        seconds = time.monotonic() - started
        view = replace(view, status=progress("Measuring …" if job.original is not None else "Finishing …"))
        yield view

        total = view.shown.total
        title = f"{DECODER_NAMES[job.settings.decoder]}, {steps_text(total)}, noise {job.settings.noise_level:g}"
        files, captions = {}, {}
        methods = []
        for side, picture, caption in _compared(job, average, repaint, title):
            captions[side] = caption
            files[side] = folder.picture(f"{job.name}-{side.lower()}", picture)
            if job.original is not None and side != ORIGINAL:
                methods.append(Method(side.lower(), caption, measure(job.original, picture)))
            yield view
        report = replace(rate, methods=tuple(methods), lpips_network=lpips_name() if methods else None)
        view = replace(
            view,
            status=sentence(f"Painted {steps_text(total)} in {seconds:.1f} s ({self._engine.codec.description})."),
            report=report.html(),
            numbers=report.numbers(),
            picture_file=files[REPAINT],
        )
        yield view.showing(Shown(files, captions, total, total), job.sides)

    def _paint(self, job: Job, view: View, folder: RunFolder) -> Iterator[View]:
        """Yields a view per sampling step; returns the last one, the autoencoder's picture and the result."""
        files, captions = {}, {ORIGINAL: "Original", AUTOENCODER: "Autoencoder"}
        if job.original is not None:
            files[ORIGINAL] = folder.preview("original-preview", job.original)
        for record in self._engine.codec.decode(job.stream, job.settings):
            if record.step == 0:
                average = record.image
                files[AUTOENCODER] = folder.preview("autoencoder-preview", average)
            step = f"step {record.step} of {record.total}"
            shown = Shown(
                files | {REPAINT: folder.step(record.step, record.image)},
                captions | {REPAINT: f"{DECODER_NAMES[job.settings.decoder]}, {step}"},
                record.step,
                record.total,
            )
            status = progress(f"Painting detail: {step}", record.step, max(1, record.total))
            view = replace(view, status=status).showing(shown, job.sides)
            yield view
        return view, average, record.image

    @staticmethod
    def compare(sides: Sides, shown: Shown | None, left: str, right: str) -> tuple:
        """Choose which of the last run's pictures stand left and right; nothing is computed.

        Parameters:
            left: "Original", "Autoencoder", "Grain" (the control) or "Repaint"
            right: likewise
        """
        sides.left, sides.right = left, right
        if shown is None:
            return gr.skip(), gr.skip()
        return shown.at(sides)


def check_photo(photo: str | None) -> None:
    """Raises what is wrong with a photo, from the file's header alone, before a run is queued."""
    with clear_errors():
        if not photo:
            raise ImageError("There is no photo yet; upload one or pick an example.")
        image_size(photo)


def check_stream(stream: bytes | None) -> None:
    """Raises what is wrong with a stream, before a run is queued."""
    with clear_errors():
        if stream is None:
            raise StreamError("There is no stream yet; upload a .bbr file.")
        read_header(stream)


def describe(stream: bytes | None) -> str:
    """The header of an uploaded stream in words, or what is wrong with it."""
    if stream is None:
        return ""
    try:
        return header_in_words(read_header(stream))
    except StreamError as error:
        return sentence(str(error))


def stopped(shown: Shown | None) -> str:
    """The status of a run that did not get to its end."""
    if shown is None:
        return sentence("Stopped before the first picture.")
    if shown.step == shown.total:
        return sentence("Stopped while measuring; the picture is complete.")
    return sentence(f"Stopped after step {shown.step} of {shown.total}; the repaint is unfinished.")


def draw_seed() -> int:
    """A random seed."""
    return secrets.randbelow(MAX_SEED + 1)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Shows users the sentence of a `BitbrushError`, and an apology for anything else, which goes to the log."""
    try:
        yield
    except BitbrushError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        _log.exception("A run failed")
        raise gr.Error(
            "Something inside Bitbrush failed; the server's log says what. Try again, or with a smaller picture.",
            print_exception=False,
        ) from error


def _settings(decoder: str, steps: int, noise: float, seed: int | None) -> DecodeSettings:
    return DecodeSettings(decoder, int(steps), noise, draw_seed() if seed is None else int(seed))


def _compared(job: Job, average: np.ndarray, repaint: np.ndarray, title: str) -> Iterator[tuple[str, np.ndarray, str]]:
    """``(side, picture, caption)`` of everything that can be compared, each picture ``(H, W, 3)`` uint8."""
    yield AUTOENCODER, average, "Autoencoder"
    if job.original is not None:
        yield ORIGINAL, job.original, "Original"
        sigma = matched_grain_sigma(average, job.original, psnr(job.original, repaint), job.settings.seed)
        yield GRAIN, add_grain(average, sigma, job.settings.seed), f"Grain control, σ {sigma:.1f}"
    yield REPAINT, repaint, title
