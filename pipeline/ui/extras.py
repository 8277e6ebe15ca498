"""What the page does beside a run: every method at once, and several samples of one stream."""

from collections.abc import Callable, Iterator, Sequence

import gradio as gr
import numpy as np

from pipeline.comparison.differences import SPREAD_TOP, spread_map
from pipeline.comparison.sheet import Cell, contact_sheet
from pipeline.errors import ImageError
from pipeline.metrics import lpips_name
from pipeline.settings import DecodeSettings
from pipeline.ui import methods
from pipeline.ui.actions import STOPPED, Actions, decode_settings
from pipeline.ui.checks import check_photo, clear_errors
from pipeline.ui.choices import rate_value
from pipeline.ui.engine import Engine, RateControl
from pipeline.ui.figures import Figure, figures_html
from pipeline.ui.report import NO_LPIPS, progress, score_texts, sentence
from pipeline.ui.run import Run
from pipeline.ui.sides import AUTOENCODER, METHODS, ORIGINAL, REPAINT, SAMPLE, Sides
from pipeline.ui.turns import Stopped, Turns

SHEET = (ORIGINAL, *(side for side in METHODS if side != SAMPLE))
SHEET_WIDTH = 640
"""Crops of the sheet are enlarged by whole pixels towards this."""
MAX_SAMPLES = 8
INVENTED = (
    "All of these come from the same bytes. Where they agree, the stream decides; where they differ, the detail is "
    "invented. What was sent does not change."
)


class Extras:
    """The event handlers of the tabs beside the comparison."""

    def __init__(self, engine: Engine, actions: Actions):
        self._engine = engine
        self._actions = actions

    def compare(
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
        run: Run | None,
        turns: Turns,
    ) -> Iterator[tuple]:
        """Put one photo through every method at the same number of bytes.

        The last answer holds the contact sheet (PNG) and the numbers of every method as JSON.

        Parameters:
            photo: a picture file, up to 24 megapixels
            rate: "bpp" to meet a target bitrate, "quality" to set the quality, "ultralow" for the ultra-low codec
            bpp: target bits per pixel, used with rate "bpp"
            quality: 0 smallest to 1 best, used with rate "quality"
            ultralow: target bits per pixel, used with rate "ultralow"
            decoder: "diffusion" or "flow"; the other one runs with its recommended steps
            steps: sampling steps, 1 to 100
            noise: noise level, 0 (the autoencoder's exact picture) to 1 (most realistic)
            seed: whole number; empty draws one
        """
        with clear_errors():
            settings = decode_settings(decoder, steps, noise, seed)
            check_photo(photo)
            value = rate_value(rate, bpp, quality, ultralow)
            try:
                for answer in self._compare(photo, rate, value, settings, run, turns.take()):
                    yield answer
            except Stopped:
                yield STOPPED, *answer[1:]

    def _compare(
        self,
        photo: str,
        rate: RateControl,
        value: float,
        settings: DecodeSettings,
        run: Run | None,
        go_on: Callable[[], None],
    ) -> Iterator[tuple]:
        yield progress("Compressing …"), "", None, None
        fresh = self._actions.compressed(photo, rate, value, settings, go_on)
        if run is None or not run.finished or (run.stream, run.settings) != (fresh.stream, fresh.settings):
            run = fresh
            for view in self._actions.run(run, Sides(), go_on):
                yield view.status, "", None, None
            go_on()
        if not run.has_original:
            raise ImageError("The methods are compared with the original; choose its photo instead of a stream.")
        with run.folder.held():
            reasons = []
            for side in SHEET:
                if side not in run.files and run.can_have(side):
                    try:
                        for status in methods.make(self._engine, run, side):
                            yield status, _grid(run), None, None
                            go_on()
                    except ImageError as error:
                        reasons.append(str(error))
            numbers = run.report(self._engine.codec.description, lpips_name()).numbers()
            done = " ".join(("Every method has been through the same picture.", *reasons))
            yield sentence(done), _grid(run), _sheet(run), numbers

    def sample(self, count: int, run: Run | None, turns: Turns) -> Iterator[tuple]:
        """Decode the last stream with several seeds: status, and the samples with their spread as HTML."""
        go_on = turns.take()
        with clear_errors():
            if run is None or not run.finished:
                raise ImageError("There is nothing to sample from yet; press Run first, then paint samples of it.")
            samples = [methods.another_sample(run.settings, by) for by in range(int(count))]
            names = [REPAINT, *(f"Seed {settings.seed}" for settings in samples[1:])]
            with run.folder.held():
                try:
                    for number, (name, settings) in enumerate(zip(names, samples, strict=True), 1):
                        if name not in run.files:
                            what = f"Painting sample {number} of {len(samples)}"
                            for status in methods.add_repaint(self._engine, run, name, settings, what):
                                yield status, gr.skip()
                                go_on()
                    yield sentence(f"{len(samples)} samples of one stream."), _samples(run, names)
                except Stopped:
                    yield STOPPED, gr.skip()


def _grid(run: Run) -> str:
    """Crops of what is there, with their numbers, in HTML."""
    box = run.worst(AUTOENCODER)
    figures = []
    for side in SHEET:
        if side in run.files:
            path = run.folder.picture(f"crop-{side.lower().replace(' ', '-')}", box.crop(run.picture(side)))
            figures.append(Figure(path, run.captions[side], _lines(run, side)))
    network = f"{lpips_name()}, lower is closer." if lpips_name() else NO_LPIPS
    return f'{figures_html(figures, "methods")}<p class="note">{network}</p>'


def _lines(run: Run, side: str) -> tuple[str, ...]:
    if side not in run.scores:
        return (f"{run.header.width} × {run.header.height} pixels",)
    size = run.sizes.get(side, run.header.total_bytes)
    decibels, ms_ssim, lpips = score_texts(run.scores[side])
    bpp = 8 * size / (run.header.width * run.header.height)
    return f"{size:,} bytes, {bpp:.3f} bpp", f"{decibels} dB, MS-SSIM {ms_ssim}", f"LPIPS {lpips}"


def _sheet(run: Run) -> str:
    """The file of the contact sheet."""
    box = run.worst(AUTOENCODER)
    scale = max(1, SHEET_WIDTH // box.width)
    cells = []
    for side in SHEET:
        if side not in run.files:
            continue
        crop = box.crop(run.picture(side)).repeat(scale, 0).repeat(scale, 1)
        size, *scores = _lines(run, side)
        scores = [score.replace("LPIPS", lpips_name() or "LPIPS") for score in scores]
        caption = "\n".join((size, ", ".join(scores))).replace("×", "x").replace("–", "n/a").replace("∞", "infinite")
        cells.append(Cell(run.captions[side].replace("σ", "sigma"), caption, crop))
    return run.folder.picture(f"{run.name}-methods", np.asarray(contact_sheet(cells)))


def _samples(run: Run, names: Sequence[str]) -> str:
    """The spread over the whole picture, and of every sample the region where the first two differ most."""
    pictures = [run.picture(name) for name in names]
    box = run.region(*pictures[:2])
    crops = []
    for name, picture in zip(names, pictures, strict=True):
        stem = name.lower().replace(" ", "-")
        title = f"Seed {run.settings.seed}" if name == REPAINT else name
        crops.append(Figure(run.folder.picture(f"sample-{stem}", box.crop(picture)), title))
    spread = run.folder.picture(f"spread-{len(pictures)}", spread_map(pictures))
    scale = f"Standard deviation over {len(pictures)} samples: black 0, brightest from {SPREAD_TOP} of 255."
    whole = [
        Figure(run.files[REPAINT], "One sample", ("The repaint.",)),
        Figure(spread, "What varies", (scale,), "Map of where the samples differ"),
    ]
    return f'{figures_html(crops, "samples")}<p class="note">{INVENTED}</p>{figures_html(whole, "pair")}'
