"""What the page puts beside each other, and the outputs of a run in the order of the page's components."""

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from pipeline.ui.figures import figures_html

if TYPE_CHECKING:
    from pipeline.ui.run import Run

ORIGINAL, AUTOENCODER, GRAIN, REPAINT, OTHER, SAMPLE, JPEG, WEBP, AVIF, ERROR = SIDES = (
    "Original",
    "Autoencoder",
    "Grain",
    "Repaint",
    "Other decoder",
    "Another sample",
    "JPEG",
    "WebP",
    "AVIF",
    "Error map",
)
KEYS = dict(zip("1234567890", SIDES, strict=True))
"""The key that chooses each side."""
PLAIN = (JPEG, WEBP, AVIF)
METHODS = (AUTOENCODER, GRAIN, REPAINT, OTHER, SAMPLE, *PLAIN)
"""The sides that are pictures of the original and can be measured, in the order of the table."""
NEED_ORIGINAL = (ORIGINAL, GRAIN, *PLAIN, ERROR)


@dataclass
class Sides:
    """What stands left and right. Kept in the session's state, where a running decode sees it change."""

    left: str = AUTOENCODER
    right: str = REPAINT

    def __post_init__(self) -> None:
        self.left = self.left if self.left in SIDES else AUTOENCODER
        self.right = self.right if self.right in SIDES else REPAINT


@dataclass(frozen=True)
class View:
    """The outputs of a run, in the order of the page's components.

    Every answer states all of them, because a generator that goes back from a value to `gr.skip` loses the value.
    Only the pictures and what belongs to them keep what a previous run left there, until there is a new picture.
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
    run: "Run | None" = None

    def showing(self, run: "Run", sides: Sides) -> "View":
        """The same with the pictures that are there by now."""
        pictures, captions = run.at(sides)
        film = figures_html(run.film, "film")
        return replace(self, pictures=pictures, captions=captions, filmstrip=film, run=run)

    def outputs(self) -> tuple:
        return tuple(getattr(self, each.name) for each in fields(self))
