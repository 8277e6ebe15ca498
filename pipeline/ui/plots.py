"""The measured curves, with the current picture's own point."""

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.evaluation.results import KODAK_RESULTS, ULTRALOW_RESULTS, Results, load_results
from pipeline.ui.answers import KEEP
from pipeline.ui.figures import Figure, figures_html
from pipeline.ui.files import RunFolder
from pipeline.ui.run import Run
from pipeline.ui.sides import Side

if TYPE_CHECKING:
    from pipeline.evaluation.plots import Mark

RATE_PSNR, RATE_LPIPS, STEPS, PERCEPTION, SHIFT, ULTRALOW = KINDS = (
    "PSNR by rate",
    "LPIPS by rate",
    "LPIPS by steps",
    "Trade-off",
    "Schedule",
    "Below 0.03",
)
_DOTS_PER_INCH = 200
_NARROW_INCHES = (4.0, 3.8)
_HINTS = {
    RATE_PSNR: "Fidelity: every repaint lies below the autoencoder, because it adds what was not sent.",
    RATE_LPIPS: "Perceptual distance: lower is better. The control is plain grain of the best strength.",
    STEPS: "What more network evaluations buy.",
    PERCEPTION: "The noise level walks along this curve: towards realistic, away from faithful.",
    SHIFT: "The same network on other noise schedules: above 1 as in text-to-image, below 1 detail before structure.",
    ULTRALOW: "The ultra-low codec. The others may shrink the picture first; the size with the lowest LPIPS counts.",
}


def draw(kind: str, dark: bool | None, narrow: bool, run: Run | None) -> Any:
    """One of `KINDS` as a picture with a caption, in HTML.

    Args:
        dark: for a dark page; None where nobody sees it: it will be drawn when somebody does.
        narrow: for a phone, so that its letters are large enough there.
        run: the point to mark, if it has scores.
    """
    if dark is None:
        return KEEP
    from pipeline.evaluation import plots  # brings Matplotlib

    results = _committed(ULTRALOW_RESULTS if kind == ULTRALOW else KODAK_RESULTS)
    mark = _mark(run, results.lpips) if run and run.is_ultralow == (kind == ULTRALOW) else None
    if kind in (RATE_PSNR, RATE_LPIPS):
        figure = plots.rate_curves(results, "psnr" if kind == RATE_PSNR else "lpips", mark, dark)
    elif kind == ULTRALOW:
        figure = plots.ultralow_curves(results, "lpips", mark, dark)
    elif kind == SHIFT:
        figure = plots.shift_curves(results, dark)
    else:
        figure = (plots.steps_curves if kind == STEPS else plots.distortion_perception)(results, mark, dark)
    if narrow:
        figure.set_size_inches(_NARROW_INCHES)
    folder = run.pictures.folder if run and run.pictures.folder.kept else RunFolder()
    path = folder.path(f"plot-{KINDS.index(kind)}{'-dark' if dark else ''}.png")
    figure.savefig(path, dpi=_DOTS_PER_INCH, transparent=True)
    whose = f"Means of {results.pictures} Kodak pictures"
    if kind != SHIFT:
        whose += f"; {_whose_point(mark, kind)}"
    return figures_html([Figure(path, _HINTS[kind], (f"{whose}.",), f"Plot: {kind}")], "plot")


def _whose_point(mark: "Mark | None", kind: str) -> str:
    if mark is None:
        return "run a photo to see its own point"
    if mark.lpips is None and kind != RATE_PSNR:
        return "the picture on the screen was not measured by this network"
    return "the marked point is the picture on the screen"


def _mark(run: Run, network: str | None) -> "Mark | None":
    """The picture on the screen; its LPIPS where it is by this network."""
    from pipeline.evaluation.plots import Mark

    scores = run.pictures.scores.get(Side.REPAINT)
    if scores is None or math.isinf(scores.psnr):
        return None
    steps = run.settings.num_inference_steps
    lpips = scores.lpips if run.lpips_network == network else None
    return Mark("this picture", run.header.bpp, scores.psnr, lpips, steps)


@cache
def _committed(path: Path) -> Results:
    return load_results(path)
