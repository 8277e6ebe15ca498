"""Rows of pictures with captions, as HTML over files that Gradio serves as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote


@dataclass(frozen=True)
class Figure:
    """A picture and its caption."""

    path: str | None
    """A file in Gradio's cache; None where there is only something to say."""
    title: str
    lines: tuple[str, ...] = ()
    alt: str = ""
    """Empty to use the title."""


def stem(name: str) -> str:
    """The name of a picture as a part of a file's name."""
    return name.lower().replace(" ", "-")


def file_url(path: str) -> str:
    """The address of a file in Gradio's cache, relative to the page."""
    return f"gradio_api/file={quote(path)}"


def figures_html(figures: Sequence[Figure], kind: str) -> str:
    """A grid of figures; ``kind`` is its class in the style sheet. Every picture opens in full on a click."""
    return f'<div class="figures {kind}">{"".join(map(_figure, figures))}</div>'


def _figure(figure: Figure) -> str:
    picture = ""
    if figure.path is not None:
        url = escape(file_url(figure.path))
        picture = f'<a href="{url}" target="_blank"><img src="{url}" alt="{escape(figure.alt or figure.title)}"></a>'
    lines = "".join(f"<span>{escape(line)}</span>" for line in figure.lines)
    return f"<figure>{picture}<figcaption><b>{escape(figure.title)}</b>{lines}</figcaption></figure>"
