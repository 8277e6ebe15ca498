"""The figures of the README and of the page, drawn from `Results`; backgrounds are transparent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, ScalarFormatter, StrMethodFormatter

from pipeline.evaluation.canvas import canvas, inked, saved
from pipeline.evaluation.results import Results, Row

Measure = Literal["psnr", "lpips"]
MAIN_RATE = 0.25
_NAMES = {
    "jpeg": "JPEG",
    "webp": "WebP",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "autoencoder": "autoencoder",
    "coarse": "coarse picture",
    "grain": "plain grain (control)",
    "diffusion": "diffusion",
    "flow": "rectified flow",
}
_COLOURS = {
    "jpeg": "#9a8f7f",
    "webp": "#7d8fa3",
    "avif": "#5f7a61",
    "jxl": "#b3587a",
    "autoencoder": "#8a5a9e",
    "coarse": "#8a5a9e",
    "grain": "#a3a3a3",
    "diffusion": "#d9822b",
    "flow": "#2b7fb8",
}
_SHIFT_COLOURS = (_COLOURS["diffusion"], "#8c4a12")
_DASHED = {"jpeg", "webp", "avif", "jxl", "grain"}
_BITRATES = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
_STEPS = (1, 2, 4, 8, 16, 25, 50, 100)
_LABELS_APART = 0.08
"""In dB; labels of points nearer to each other would overlap."""


@dataclass(frozen=True)
class Mark:
    """One picture's own point, drawn over the curves of many."""

    label: str
    bpp: float
    psnr: float
    lpips: float | None
    steps: int | None = None


def rate_curves(results: Results, measure: Measure, mark: Mark | None = None, dark: bool = False) -> Figure:
    """Quality against bits per pixel for every family; ``mark`` is put at its own rate."""
    figure, axes = canvas(dark, "bits per pixel (log)", _label(results, measure))
    for family in ("jpeg", "webp", "avif", "jxl", "autoencoder"):
        _line(axes, results.select(family), family, "bpp", measure)
    if measure == "lpips":
        rates = sorted({row.rate for row in results.select("grain")})
        _line(axes, [results.best_grain(rate, "lpips") for rate in rates], "grain", "bpp", measure)
        for family in ("diffusion", "flow"):
            _line(axes, _default_repaints(results, family), family, "bpp", measure)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_BITRATES))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    return _finish(figure, axes, mark, "bpp", measure, dark)


def steps_curves(results: Results, mark: Mark | None = None, dark: bool = False) -> Figure:
    """LPIPS against sampling steps at 0.25 bpp, each decoder at its own noise level."""
    figure, axes = canvas(dark, "sampling steps (log)", _label(results, "lpips"))
    for family in ("diffusion", "flow"):
        rows = _sweep(results, family, "steps")
        suffix = f", noise {rows[0].noise_level:g}" if rows else ""
        _line(axes, rows, family, "steps", "lpips", suffix)
    grain = _best_grain_line(axes, results)
    if grain is not None:
        axes.annotate("best grain", (1, grain))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(_STEPS))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    return _finish(figure, axes, mark, "steps", "lpips", dark)


def distortion_perception(results: Results, mark: Mark | None = None, dark: bool = False) -> Figure:
    """The curve that the noise level walks at 0.25 bpp, PSNR against LPIPS, beside the grain control's."""
    figure, axes = canvas(dark, "PSNR, dB", _label(results, "lpips"))
    start = results.select("autoencoder", MAIN_RATE)
    _line(axes, start + sorted(results.select("grain", MAIN_RATE), key=lambda r: -r.psnr), "grain", "psnr", "lpips")
    for family in ("diffusion", "flow"):
        rows = _sweep(results, family, "noise_level")
        _line(axes, start + rows, family, "psnr", "lpips")
        labelled: list[float] = []
        for row in reversed(rows):
            if all(abs(row.psnr - other) > _LABELS_APART for other in labelled):
                labelled.append(row.psnr)
                axes.annotate(f"{row.noise_level:g}", (row.psnr, row.lpips), textcoords="offset points", xytext=(4, 4))
    return _finish(figure, axes, mark, "psnr", "lpips", dark)


def shift_curves(results: Results, dark: bool = False) -> Figure:
    """LPIPS at 0.25 bpp against the shift of the noise schedule, one curve a noise level."""
    figure, axes = canvas(dark, "shift of the noise schedule (log)", _label(results, "lpips"))
    rows = sorted(results.select("shifted diffusion", MAIN_RATE), key=attrgetter("shift"))
    levels = sorted({row.noise_level for row in rows if row.noise_level is not None})
    for level, colour in zip(levels, _SHIFT_COLOURS, strict=False):
        curve = [row for row in rows if row.noise_level == level]
        _line(axes, curve, "diffusion", "shift", "lpips", f", noise {level:g}", colour)
    _best_grain_line(axes, results, label=_NAMES["grain"])
    axes.axvline(1, color=_COLOURS["grain"], linestyle=":", zorder=1)
    axes.annotate("text-to-image →", (1.05, 0.02), xycoords=("data", "axes fraction"))
    axes.annotate("← less noise", (0.95, 0.02), xycoords=("data", "axes fraction"), ha="right")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sorted({row.shift for row in rows if row.shift is not None})))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    return _finish(figure, axes, None, "shift", "lpips", dark)


def ultralow_curves(results: Results, measure: Measure, mark: Mark | None = None, dark: bool = False) -> Figure:
    """The ultra-low codec beside conventional ones that may shrink the picture first, at the same bytes."""
    figure, axes = canvas(dark, "bits per pixel", _label(results, measure))
    for family in ("webp", "avif", "jxl"):
        plain = [row for row in results.select(family) if row.sigma is None]
        _line(axes, plain, family, "bpp", measure, " of the best size")
    _line(axes, results.select("coarse"), "coarse", "bpp", measure)
    _line(axes, _default_repaints(results, "diffusion"), "diffusion", "bpp", measure)
    return _finish(figure, axes, mark, "bpp", measure, dark)


def save_all(results: Results, ultralow: Results, folder: Path) -> list[Path]:
    """Writes every figure as SVG, light and dark; returns their paths."""
    return [path for dark in (False, True) for path in _save(results, ultralow, folder, dark)]


def _save(results: Results, ultralow: Results, folder: Path, dark: bool) -> Iterator[Path]:
    figures = {
        "ultralow-psnr": ultralow_curves(ultralow, "psnr", dark=dark),
        "ultralow-lpips": ultralow_curves(ultralow, "lpips", dark=dark),
        "rate-psnr": rate_curves(results, "psnr", dark=dark),
        "rate-lpips": rate_curves(results, "lpips", dark=dark),
        "steps": steps_curves(results, dark=dark),
        "distortion-perception": distortion_perception(results, dark=dark),
        "shift": shift_curves(results, dark=dark),
    }
    for name, figure in figures.items():
        yield saved(figure, folder, name, dark)


def _label(results: Results, measure: Measure) -> str:
    return "PSNR, dB" if measure == "psnr" else f"{results.lpips}, lower is better"


def _default_repaints(results: Results, family: str) -> list[Row]:
    """One row a rate: the setting of this family that was measured at most rates."""
    rows = results.select(family)
    settings = [(row.steps, row.noise_level) for row in rows]
    if not settings:
        return []
    steps, noise_level = max(set(settings), key=lambda setting: (settings.count(setting), setting))
    return results.select(family, steps=steps, noise_level=noise_level)


def _sweep(results: Results, family: str, along: Literal["steps", "noise_level"]) -> list[Row]:
    """The longest series of rows at the main rate in which only ``along`` changes."""
    across = "noise_level" if along == "steps" else "steps"
    rows = results.select(family, MAIN_RATE)
    fixed = [getattr(row, across) for row in rows]
    if not fixed:
        return []
    most = max(set(fixed), key=lambda value: (fixed.count(value), value))
    return sorted((row for row in rows if getattr(row, across) == most), key=lambda row: getattr(row, along))


def _line(
    axes: Axes, rows: Iterable[Row], family: str, x: str, y: str, suffix: str = "", colour: str | None = None
) -> None:
    rows = list(rows)
    if not rows:
        return
    dashed = family in _DASHED
    axes.plot(
        [getattr(row, x) for row in rows],
        [getattr(row, y) for row in rows],
        marker="o",
        markersize=3 if dashed else 5,
        linewidth=1.2 if dashed else 2,
        linestyle="--" if dashed else "-",
        color=colour or _COLOURS[family],
        label=_NAMES[family] + suffix,
    )


def _best_grain_line(axes: Axes, results: Results, label: str | None = None) -> float | None:
    """Its LPIPS; None, and no line, where grain was not measured."""
    if not results.select("grain", MAIN_RATE):
        return None
    lpips = results.best_grain(MAIN_RATE, "lpips").lpips
    axes.axhline(lpips, color=_COLOURS["grain"], linestyle="--", zorder=1, label=label)
    return lpips


def _finish(figure: Figure, axes: Axes, mark: Mark | None, x: str, y: str, dark: bool) -> Figure:
    if mark is not None and getattr(mark, x) is not None and getattr(mark, y) is not None:
        axes.plot(getattr(mark, x), getattr(mark, y), "*", markersize=15, color="#c8102e", label=mark.label, zorder=5)
    inked(axes, dark)
    return figure
