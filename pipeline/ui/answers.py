"""What the handlers answer: the fields of an answer are named after the components that they go to.

`pipeline.ui.parts.Parts` finds the components. `Any` stands for a value or for what Gradio calls an update.
"""

from typing import Any, NamedTuple

import gradio as gr

KEEP: Any = gr.skip()
"""Leaves a component as it is."""


class Pair(NamedTuple):
    """The comparison."""

    pictures: Any = KEEP
    """Files of the left and the right picture."""
    captions: Any = KEEP


class Viewable(NamedTuple):
    """The outputs of `viewable`, of which the page takes over what is still of the photo that it has."""

    shown: Any = KEEP
    viewed: Any = KEEP


class Completed(NamedTuple):
    """The outputs of `Choosing.complete`."""

    status: Any = KEEP
    pictures: Any = KEEP
    captions: Any = KEEP
    report: Any = KEEP
    numbers: Any = KEEP


class Measured(NamedTuple):
    """The numbers of a run."""

    report: Any = KEEP
    numbers: Any = KEEP


class Compared(NamedTuple):
    """The outputs of `Extras.compare`."""

    status: str
    grid: str = ""
    sheet: str | None = None
    comparison: dict[str, Any] | None = None


class Sampled(NamedTuple):
    """The outputs of `Extras.sample`."""

    status: str
    samples: Any = KEEP


class Buttons(NamedTuple):
    """What starts a run, stops it, and saves what came of it."""

    run_button: Any
    decode_button: Any
    compare_button: Any
    sample_button: Any
    stop_button: Any
    stream_file: Any
    picture_file: Any


class Begun(NamedTuple):
    """`Buttons`, the seed, and what is only of the picture on the screen."""

    run_button: Any
    decode_button: Any
    compare_button: Any
    sample_button: Any
    stop_button: Any
    stream_file: Any
    picture_file: Any
    seed: Any
    grid: Any
    sheet: Any
    comparison: Any
    plot: Any


class Ended(NamedTuple):
    """Status, `Buttons` and `Pair`."""

    status: Any
    run_button: Any
    decode_button: Any
    compare_button: Any
    sample_button: Any
    stop_button: Any
    stream_file: Any
    picture_file: Any
    pictures: Any
    captions: Any


class Files(NamedTuple):
    """The downloads of a run."""

    stream_file: Any
    picture_file: Any


class Modes(NamedTuple):
    """The buttons of photo and stream, of which one is seen."""

    run_button: Any
    decode_button: Any


class Sliders(NamedTuple):
    """The sliders of the rate controls."""

    bpp: Any
    quality: Any
    ultralow: Any


class Canvas(NamedTuple):
    """Where the bits go: what is seen of it, and what the editor shows."""

    quality_map: Any
    mask: Any
    canvas: Any


class Painting(NamedTuple):
    """The controls of the decoder that a codec has values of its own for."""

    decoder: Any = KEEP
    steps: Any = KEEP
    noise: Any = KEEP


class Chosen(NamedTuple):
    """The outputs of `preset`."""

    rate: Any
    bpp: Any
    quality: Any
    ultralow: Any
    decoder: Any
    steps: Any
    noise: Any


class Controls(NamedTuple):
    """What a link sets beside the `View`."""

    photo: Any
    rate: Any
    bpp: Any
    quality: Any
    ultralow: Any
    preset: Any
    decoder: Any
    steps: Any
    noise: Any
    seed: Any
    quality_map: Any
    sides: Any
    left: Any
    right: Any
