"""Crops of all methods of one run side by side, as HTML and as one file."""

import numpy as np

from pipeline.ui.figures import Figure, figures_html
from pipeline.ui.report import NO_LPIPS, score_texts
from pipeline.ui.run import Run
from pipeline.ui.sides import METHODS, Side

SHEET = (Side.ORIGINAL, *(side for side in METHODS if side is not Side.SAMPLE))
SHEET_WIDTH = 640
"""Crops of the sheet are enlarged by whole pixels towards this."""


def grid_html(run: Run, network: str | None) -> str:
    """Crops of what is there, with their numbers, LPIPS by ``network``; the reason where a method cannot take the
    photo."""
    pictures, box = run.pictures, run.pictures.worst(Side.AUTOENCODER)
    figures = []
    for side in SHEET:
        if side in pictures:
            figures.append(Figure(pictures.crop(side, box), pictures.captions[side], _lines(run, side)))
        elif side in pictures.refusals:
            figures.append(Figure(None, side, (pictures.refusals[side],)))
    note = f"{network}, lower is closer." if network else NO_LPIPS
    return f'{figures_html(figures, "methods")}<p class="note">{note}</p>'


def contact_file(run: Run, network: str | None) -> str:
    """The file of the same as one picture (PNG)."""
    from pipeline.comparison.sheet import Cell, contact_sheet

    pictures, box = run.pictures, run.pictures.worst(Side.AUTOENCODER)
    scale = max(1, SHEET_WIDTH // box.width)
    cells = []
    for side in SHEET:
        if side in pictures:
            crop = box.crop(pictures.read(side)).repeat(scale, 0).repeat(scale, 1)
            size, *scores = _lines(run, side)
            caption = "\n".join((size, ", ".join(score.replace("LPIPS", network or "LPIPS") for score in scores)))
            cells.append(Cell(pictures.captions[side], caption, crop))
        elif side in pictures.refusals:
            cells.append(Cell(side, pictures.refusals[side].replace("; ", ";\n"), None))
    return pictures.folder.picture(f"{run.name}-methods", np.asarray(contact_sheet(cells)))


def _lines(run: Run, side: Side) -> tuple[str, ...]:
    """Size and scores of a picture that is there."""
    if side not in run.pictures.scores:
        return (f"{run.header.width} × {run.header.height} pixels",)
    size = run.size(side)
    decibels, ms_ssim, lpips = score_texts(run.pictures.scores[side])
    bpp = 8 * size / (run.header.width * run.header.height)
    return f"{size:,} bytes, {bpp:.3f} bpp", f"{decibels} dB, MS-SSIM {ms_ssim}", f"LPIPS {lpips}"
