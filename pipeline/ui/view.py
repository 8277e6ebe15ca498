"""The outputs of a run in the order of the page's components."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import gradio as gr

from pipeline.ui.figures import figures_html
from pipeline.ui.run import Run
from pipeline.ui.sides import Sides


@dataclass(frozen=True)
class View:
    """The outputs of a run, in the order of the page's components.

    Every answer states all of them, because a generator that goes back from a value to `gr.skip` loses the value.
    Only the pictures and what belongs to them, the run among it, keep what a previous run left there, until there is a
    new picture.
    """

    status: str
    seed: int
    pictures: Any = field(default_factory=gr.skip)
    captions: Any = field(default_factory=gr.skip)
    report: str = ""
    numbers: dict | None = None
    stream_file: str | None = None
    picture_file: str | None = None
    filmstrip: Any = field(default_factory=gr.skip)
    run: Any = field(default_factory=gr.skip)

    def showing(self, run: Run, sides: Sides) -> "View":
        """The same with the pictures that are there by now."""
        pictures, captions = run.at(sides)
        film = figures_html(run.film, "film")
        return replace(self, pictures=pictures, captions=captions, filmstrip=film, run=run)

    def outputs(self) -> tuple:
        return tuple(getattr(self, each.name) for each in fields(self))
