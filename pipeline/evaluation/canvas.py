"""What all plots look like: transparent, for light and for dark pages."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.files import atomic_path

_COLUMNS = 2


def _ink(dark: bool) -> str:
    return "#e8e4dc" if dark else "#2b2926"


def canvas(dark: bool, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    """An empty plot."""
    figure, (axes,) = panels(dark, x_label, y_label, 1)
    return figure, axes


def panels(dark: bool, x_label: str, y_label: str, count: int) -> tuple[Figure, list[Axes]]:
    """Empty plots, two in a row, each with a scale of its own."""
    ink, columns = _ink(dark), min(count, _COLUMNS)
    rows = -(-count // columns)
    figure = Figure(figsize=(6.4, max(4.2, 2.6 * rows)), layout="constrained")
    figure.patch.set_alpha(0)
    found = [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    for axes in found:
        axes.patch.set_alpha(0)
        axes.set_xlabel(x_label, color=ink)
        axes.tick_params(colors=ink)
        axes.grid(alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(ink)
    for axes in found[::columns]:
        axes.set_ylabel(y_label, color=ink)
    return figure, found


def inked(axes: Axes, dark: bool) -> None:
    """Gives texts their colour and size, and draws the legend where a curve has a name."""
    for text in axes.texts:
        text.set_color(_ink(dark))
        text.set_fontsize(8)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=_ink(dark), fontsize=9)


def saved(figure: Figure, folder: Path, name: str, dark: bool) -> Path:
    """Writes a plot as SVG, the same bytes for the same figures."""
    path = folder / f"{name}{'-dark' if dark else ''}.svg"
    with atomic_path(path) as partial:
        figure.savefig(partial, format="svg", transparent=True, metadata={"Date": None})
    return path
