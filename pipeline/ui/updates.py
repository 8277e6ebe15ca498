"""What the page's buttons and controls become when something begins, ends, or is chosen."""

from typing import Any

import gradio as gr

from pipeline.settings import DECODER_NAMES, DEFAULT_SETTINGS, Decoder, QualityMapKind
from pipeline.ui import view
from pipeline.ui.answers import (
    KEEP,
    Begun,
    Buttons,
    Canvas,
    Chosen,
    Controls,
    Ended,
    Files,
    Modes,
    Painting,
    Pair,
    Sliders,
)
from pipeline.ui.choices import EXAMPLES, PRESETS, RANGES, Link, recommended
from pipeline.ui.choosing import NOTHING
from pipeline.ui.engine import RateControl, codec_behind
from pipeline.ui.layout import OPENING, UNPAINTED
from pipeline.ui.masks import preview
from pipeline.ui.report import sentence
from pipeline.ui.request import draw_seed
from pipeline.ui.run import Run
from pipeline.ui.sides import Sides
from pipeline.ui.turns import Turns
from pipeline.ui.view import View

LOST = sentence("Stopped before it began.")
FAILED = sentence("This could not be finished; the message says why.")
REFUSED = sentence("This could not begin; if no message says why, choose the file again, or reload the page.")


def begun(turns: Turns, seed: int | None, sides: Sides, left: str, right: str, overlay: bool) -> Begun:
    """When a run begins that ends others; an empty seed is drawn here, for the run must not touch what is typed while
    it goes on. A session that was idle for long has forgotten which sides were chosen."""
    turns.begin()
    sides.choose(left, right, overlay)
    drawn = draw_seed() if seed is None else KEEP
    return Begun(*_busy(), drawn, "", gr.update(value=None, interactive=False), None, "")


def joined(turns: Turns, sides: Sides, left: str, right: str, overlay: bool) -> Buttons:
    """When a run begins that leaves others alone."""
    turns.join()
    sides.choose(left, right, overlay)
    return _busy()


def _busy() -> Buttons:
    off, on = gr.update(interactive=False), gr.update(interactive=True)
    return Buttons(off, off, off, off, on, off, off)


def _idle(run: Run | None) -> Buttons:
    off, on = gr.update(interactive=False), gr.update(interactive=True)
    return Buttons(on, on, on, on, off, *ready(run))


def ended(turns: Turns, run: Run | None, sides: Sides) -> Ended:
    """When a run has ended; files that are there can be downloaded. Another may have joined by now; one that was
    stopped on its way makes no more pictures, and the captions promise none."""
    if not turns.lost:
        return Ended(KEEP, *(_busy() if turns.expecting else _idle(run)), *Pair())
    if run is not None:
        run.declined.update(view.missing(run, sides))
    return Ended(LOST, *_idle(run), *_pair(run, sides))


def failed(run: Run | None, sides: Sides) -> Ended:
    """When a run has failed, or found no place in the queue; pictures and captions promise no more."""
    if run is not None:
        run.declined.update(view.missing(run, sides))
    return Ended(FAILED, *_idle(run), *_pair(run, sides))


def _pair(run: Run | None, sides: Sides) -> Pair:
    if run is None:
        return Pair()
    return view.pair(run, sides) if run.pictures.folder.kept else Pair(captions=NOTHING)


def opening_failed(turns: Turns) -> str:
    """When the run that the page begins with has failed, or found no place in the queue."""
    turns.opening = False
    return FAILED


def opening_ended(turns: Turns, run: Run | None) -> Files:
    """When the run that the page begins with has ended, unless another has taken its place."""
    return Files(KEEP, KEEP) if turns.begun else ready(run)


def ready(run: Run | None) -> Files:
    """Download buttons, by what there is of a run. They are no inputs themselves: Gradio refuses the whole event where
    their files are gone, and makes an empty file of each."""
    return Files(gr.update(interactive=run is not None), gr.update(interactive=run is not None and run.finished))


def sheet_ready(comparison: dict[str, Any] | None) -> Any:
    """The download button of the contact sheet, which comes with the numbers of the comparison."""
    return gr.update(interactive=bool(comparison))


def mode(photo: bool) -> Modes:
    """When the tab of photos or that of streams is chosen."""
    return Modes(gr.update(visible=photo), gr.update(visible=not photo))


def visible_rate(rate: RateControl) -> Sliders:
    """When a rate control is chosen, whose slider is seen alone."""
    return Sliders(**{name: gr.update(visible=name == rate) for name in RANGES})


def canvas(
    rate: RateControl, quality_map: str, photo: str | None, canvas: str | None, viewed: dict[str, str] | None = None
) -> Canvas:
    """When the photo, the map or the rate control changes; ``canvas`` is the photo that the editor shows. It keeps its
    painting while it is hidden, and when a photo becomes one that browsers can show, as ``viewed`` says."""
    mapped = rate != "ultralow"
    if not mapped or quality_map != QualityMapKind.PAINTED:
        return Canvas(gr.update(visible=mapped), gr.update(visible="hidden" if canvas else False), KEEP)
    if photo == canvas or (viewed and (canvas, photo) == (viewed["photo"], viewed["shown"])):
        return Canvas(gr.update(visible=True), gr.update(visible=True), photo)
    return Canvas(gr.update(visible=True), gr.update(visible=True, value=preview(photo)), photo)


def recommended_steps(rate: RateControl, decoder: str, steps: int) -> int | dict[str, Any]:
    """The decoder's own step count, unless the user had chosen one.

    What stays is left alone rather than set again: the user may have changed it while the answer was on its way.
    """
    own = recommended(rate, Decoder(decoder)).num_inference_steps
    others = {recommended(rate, each).num_inference_steps for each in DECODER_NAMES} - {own}
    return own if steps in others else KEEP


def codec_settings(rate: RateControl, decoder: str, steps: int) -> Painting:
    """When another rate control is chosen: a decoder that its codec has, with the steps that this one does best with,
    unless the user had chosen others."""
    own = recommended(rate, Decoder(decoder))
    if own.decoder == decoder:
        return Painting()
    usual = {recommended(each, known).num_inference_steps for each in RANGES for known in DECODER_NAMES}
    return Painting(own.decoder, own.num_inference_steps if steps in usual else KEEP)


def choose_preset(preset: str) -> Chosen:
    """When one of `PRESETS` is chosen."""
    chosen = next(each for each in PRESETS if each.name == preset)
    own = DEFAULT_SETTINGS[codec_behind(chosen.rate)]
    sliders = {rate: chosen.value if rate == chosen.rate else KEEP for rate in RANGES}
    return Chosen(chosen.rate, **sliders, decoder=own.decoder, steps=own.num_inference_steps, noise=chosen.noise_level)


def opened(link: Link, remembered: View | None, turns: Turns) -> tuple[Any, ...]:
    """`Controls` of a link and its `View`; where that is not remembered, the page's script starts a run, and until then
    nothing that is chosen says that there is none."""
    turns.opening = remembered is None
    photo, settings = str(EXAMPLES[link.example]), link.settings
    shown = remembered or View(OPENING, settings.seed, (photo, photo), UNPAINTED)
    sliders = {
        name: gr.update(value=link.value if name == link.rate else usual) for name, (_, _, usual) in RANGES.items()
    }
    controls = Controls(
        photo,
        link.rate,
        **sliders,
        preset=next((each.name for each in PRESETS if each.matches(link)), None),
        decoder=settings.decoder.value,
        steps=settings.num_inference_steps,
        noise=settings.noise_level,
        seed=settings.seed,
        quality_map=link.quality_map.value,
        sides=link.sides,
        left=link.sides.left,
        right=link.sides.right,
    )
    return *controls, *shown
