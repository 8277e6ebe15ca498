"""What a run shows: one `View` per answer, and the pictures among which left and right are chosen."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import gradio as gr

from pipeline.ui.report import captions_html

ORIGINAL, AUTOENCODER, GRAIN, REPAINT = SIDES = ("Original", "Autoencoder", "Grain", "Repaint")


@dataclass
class Sides:
    """What stands left and right. Kept in the session's state, where a running decode sees it change."""

    left: str = AUTOENCODER
    right: str = REPAINT


@dataclass(frozen=True)
class Shown:
    """The pictures a session can put left and right. Kept in the session's state."""

    files: dict[str, str]
    """Paths by side, at least those of `AUTOENCODER` and `REPAINT`."""
    captions: dict[str, str]
    step: int
    total: int

    def at(self, sides: Sides) -> tuple[tuple[str, str], str]:
        """Slider value and captions; the autoencoder's picture stands in for one that is not there."""
        left, right = (side if side in self.files else AUTOENCODER for side in (sides.left, sides.right))
        return (self.files[left], self.files[right]), captions_html(self.captions[left], self.captions[right])


@dataclass(frozen=True)
class View:
    """The outputs of a run, in the order of the page's components.

    Every answer states all of them, because a generator that goes back from a value to `gr.skip` loses the value.
    Only the slider and its captions keep what a previous run left there, until there is a new picture.
    """

    status: str
    seed: int
    pictures: Any = field(default_factory=gr.skip)
    captions: Any = field(default_factory=gr.skip)
    report: str = ""
    numbers: dict | None = None
    stream_file: str | None = None
    picture_file: str | None = None
    shown: Shown | None = None

    def showing(self, shown: Shown, sides: Sides) -> "View":
        """The same with new pictures."""
        pictures, captions = shown.at(sides)
        return replace(self, pictures=pictures, captions=captions, shown=shown)

    def outputs(self) -> tuple:
        return tuple(getattr(self, each.name) for each in fields(self))
