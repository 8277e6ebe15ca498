"""What the page does beside a run: every method at once, and several samples of one stream."""

from collections.abc import Callable, Iterator

from PIL import Image

from pipeline.errors import ImageError
from pipeline.ui import methods, view
from pipeline.ui.actions import STOPPED, Actions
from pipeline.ui.answers import Compared, Sampled
from pipeline.ui.checks import check_photo, clear_errors
from pipeline.ui.engine import RateControl
from pipeline.ui.invention import samples_html
from pipeline.ui.report import progress, sentence
from pipeline.ui.request import Request, mask_of
from pipeline.ui.run import Run
from pipeline.ui.sheets import SHEET, contact_file, grid_html
from pipeline.ui.sides import Side, Sides
from pipeline.ui.turns import Stopped, Turns


class Extras:
    """The event handlers of the tabs beside the comparison."""

    def __init__(self, actions: Actions):
        self._actions = actions
        self._engine = actions.engine

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
        quality_map: str,
        run: Run | None,
        turns: Turns,
        canvas: str | None = None,
        mask: Image.Image | None = None,
    ) -> Iterator[Compared]:
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
            quality_map: "adaptive", "even", or "painted" to spend the bits where the mask is bright; standard codec
            mask: of quality_map "painted": a picture file of the photo's shape
        """
        with clear_errors():
            controls = photo, rate, bpp, quality, ultralow, decoder, steps, noise, seed
            request = Request.of_controls(*controls, quality_map, mask_of(photo, canvas, mask))
            check_photo(photo)
            try:
                for answer in self._compare(request, run, turns.take()):
                    yield answer
            except Stopped:
                yield answer._replace(status=STOPPED)

    def _compare(self, request: Request, run: Run | None, go_on: Callable[[], None]) -> Iterator[Compared]:
        yield Compared(progress("Compressing …"))
        fresh = self._actions.encode(request, go_on)
        known = run is not None and run.finished and run.has_original and run.pictures.folder.kept
        if run is None or not known or (run.stream, run.settings) != (fresh.stream, fresh.settings):
            run = fresh
            for shown in self._actions.decode(run, Sides(), go_on):
                yield Compared(shown.status)
            go_on()
        network = self._engine.lpips_network
        with run.pictures.folder.held():
            for side in SHEET:
                if side not in run.pictures and run.can_have(side):
                    for status in methods.make(self._engine, run, side, go_on):
                        yield Compared(status, grid_html(run, network))
                        go_on()
            methods.score_rest(self._engine, run, go_on)
            refused = len(run.pictures.refusals)
            done = (
                "Every method has been through the same picture."
                if not refused
                else (f"Every method has been through the same picture but {refused}, which cannot take it.")
            )
            numbers = view.report(run, self._engine, scored=True).numbers()
            yield Compared(sentence(done), grid_html(run, network), contact_file(run, network), numbers)

    def sample(self, count: int, run: Run | None, turns: Turns) -> Iterator[Sampled]:
        """Decode the last stream with several seeds: the samples with their spread as HTML."""
        go_on = turns.take()
        with clear_errors():
            if run is None or not run.finished:
                raise ImageError("There is nothing to sample from yet; press Run first, then paint samples of it.")
            samples = [methods.another_sample(run.settings, by) for by in range(int(count))]
            names = [Side.REPAINT, *(f"Seed {settings.seed}" for settings in samples[1:])]
            with run.pictures.folder.held():
                try:
                    for number, (name, settings) in enumerate(zip(names, samples, strict=True), 1):
                        if name not in run.pictures:
                            what = f"Painting sample {number} of {len(samples)}"
                            for status in methods.add_repaint(self._engine, run, name, settings, what, go_on):
                                yield Sampled(status)
                                go_on()
                    yield Sampled(sentence(f"{len(samples)} samples of one stream."), samples_html(run, names))
                except Stopped:
                    yield Sampled(STOPPED)
