"""What the page's buttons and controls become when something begins, ends, or is chosen."""

import gradio as gr

from pipeline.comparison import DECODER_NAMES
from pipeline.settings import DEFAULT_SETTINGS, CodecName, Decoder
from pipeline.ui import actions
from pipeline.ui.choices import EXAMPLES, PRESETS, RANGES, Link, recommended
from pipeline.ui.engine import RateControl, codec_behind
from pipeline.ui.layout import OPENING, UNPAINTED
from pipeline.ui.run import Run
from pipeline.ui.sides import Sides
from pipeline.ui.turns import Turns
from pipeline.ui.view import View


def begun(turns: Turns) -> list[dict]:
    """The four starting buttons, stop and the two downloads when a run begins that ends others."""
    turns.begin()
    return _busy()


def joined(turns: Turns) -> list[dict]:
    """The same seven when a run begins that leaves others alone."""
    turns.join()
    return _busy()


def _busy() -> list[dict]:
    return [gr.update(interactive=is_stop) for is_stop in (False, False, False, False, True, False, False)]


def _idle(*files: str | None) -> list[dict]:
    return [*(gr.update(interactive=on) for on in (True, True, True, True, False)), *ready(*files)]


def ended(turns: Turns, *files: str | None) -> list[dict | str]:
    """The status and the same seven when a run has ended; files that are there can be downloaded."""
    return [actions.LOST if turns.lost else gr.skip(), *_idle(*files)]


def failed(run: Run | None, sides: Sides, *files: str | None) -> list:
    """The same when a run has failed, and the pictures and captions, which promise no more."""
    pair = run.at(sides) if run else (gr.skip(), gr.skip())
    return [actions.FAILED, *_idle(*files), *pair]


def opening_ended(turns: Turns, *files: str | None) -> list[dict]:
    """The download buttons when the run that the page begins with has ended, unless another has taken its place."""
    return [gr.skip(), gr.skip()] if turns.begun else ready(*files)


def ready(*files: str | None) -> list[dict]:
    """Download buttons, by their files."""
    return [gr.update(interactive=bool(file)) for file in files]


def one_visible(first: bool) -> tuple[dict, dict]:
    """Two components, of which one is seen."""
    return gr.update(visible=first), gr.update(visible=not first)


def visible_rate(rate: RateControl) -> list[dict]:
    """The sliders of the rate controls, of which one is seen."""
    return [gr.update(visible=name == rate) for name in RANGES]


def recommended_steps(rate: RateControl, decoder: str, steps: int) -> int | dict:
    """The decoder's own step count, unless the user had chosen one.

    What stays is left alone rather than set again: the user may have changed it while the answer was on its way.
    """
    known = {recommended(rate, each).num_inference_steps for each in DECODER_NAMES}
    return recommended(rate, Decoder(decoder)).num_inference_steps if steps in known else gr.skip()


def codec_settings(rate: RateControl, decoder: str, steps: int, noise: float) -> tuple:
    """Decoder, steps and noise level when another rate control is chosen: its codec's own in place of another's."""
    codec = codec_behind(rate)
    others = [DEFAULT_SETTINGS[each] for each in CodecName if each != codec]
    own = DEFAULT_SETTINGS[codec]
    if noise in [each.noise_level for each in others]:
        return own.decoder, own.num_inference_steps, own.noise_level
    if recommended(rate, Decoder(decoder)).decoder == decoder:
        return gr.skip(), gr.skip(), gr.skip()
    return own.decoder, recommended_steps(rate, decoder, steps), gr.skip()


def preset(name: str) -> tuple:
    """Kind of rate, its three sliders, decoder, steps and noise level of one of `PRESETS`."""
    chosen = next(each for each in PRESETS if each.name == name)
    own = DEFAULT_SETTINGS[codec_behind(chosen.rate)]
    sliders = [chosen.value if rate == chosen.rate else gr.skip() for rate in RANGES]
    return chosen.rate, *sliders, own.decoder, own.num_inference_steps, chosen.noise_level


def opened(link: Link, view: View | None) -> list:
    """The controls of a link, then the outputs of its view; without one, the page's script starts a run."""
    photo, settings = str(EXAMPLES[link.example]), link.settings
    view = view or View(OPENING, settings.seed, (photo, photo), UNPAINTED)
    return [
        photo,
        link.rate,
        *(gr.update(value=link.value if name == link.rate else usual) for name, (_, _, usual) in RANGES.items()),
        next((each.name for each in PRESETS if each.matches(link)), None),
        settings.decoder.value,
        settings.num_inference_steps,
        settings.noise_level,
        link.sides,
        link.sides.left,
        link.sides.right,
        *view.outputs(),
    ]
