"""What the page's buttons and controls become when something begins, ends, or is chosen."""

import gradio as gr

from pipeline.settings import Decoder
from pipeline.ui import actions
from pipeline.ui.choices import EXAMPLES, PRESETS, RECOMMENDED_STEPS, Link
from pipeline.ui.layout import OPENING, UNPAINTED
from pipeline.ui.run import Run
from pipeline.ui.view import View


def busy() -> list[dict]:
    """The four starting buttons, stop and the two downloads when a run begins."""
    return [gr.update(interactive=is_stop) for is_stop in (False, False, False, False, True, False, False)]


def idle(*files: str | None) -> list[dict]:
    """The same seven while nothing runs; files that are there can be downloaded."""
    return [*(gr.update(interactive=on) for on in (True, True, True, True, False)), *ready(*files)]


def ended(run: Run | None, *files: str | None) -> list[dict | str]:
    """The status and the same seven when a run has ended, one way or another."""
    return [gr.skip() if files[-1] else actions.stopped(run), *idle(*files)]


def ready(*files: str | None) -> list[dict]:
    """Download buttons, by their files."""
    return [gr.update(interactive=bool(file)) for file in files]


def one_visible(first: bool) -> tuple[dict, dict]:
    """Two components, of which one is seen."""
    return gr.update(visible=first), gr.update(visible=not first)


def recommended_steps(decoder: str, steps: int) -> int:
    """The decoder's own step count, unless the user had chosen one."""
    return RECOMMENDED_STEPS[Decoder(decoder)] if steps in RECOMMENDED_STEPS.values() else steps


def preset(name: str) -> tuple[str, float, float]:
    """Kind of rate, bits per pixel and noise level of one of `PRESETS`."""
    chosen = next(each for each in PRESETS if each.name == name)
    return "bpp", chosen.bpp, chosen.noise_level


def opened(link: Link, view: View | None) -> list:
    """The controls of a link, then the outputs of its view; without one, the page's script starts a run."""
    photo, settings = str(EXAMPLES[link.example]), link.settings
    view = view or View(OPENING, settings.seed, (photo, photo), UNPAINTED)
    return [
        photo,
        link.rate,
        link.value if link.rate == "bpp" else gr.skip(),
        link.value if link.rate == "quality" else gr.skip(),
        next((each.name for each in PRESETS if each.matches(link)), None),
        settings.decoder.value,
        settings.num_inference_steps,
        settings.noise_level,
        link.sides,
        link.sides.left,
        link.sides.right,
        *view.outputs(),
    ]
