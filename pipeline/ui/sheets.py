"""Crops of many pictures of one run side by side: the methods as HTML and as one file, the samples as HTML."""

from collections.abc import Sequence

import numpy as np

from pipeline.ui.figures import Figure, figures_html
from pipeline.ui.pictures import region
from pipeline.ui.report import NO_LPIPS, score_texts
from pipeline.ui.run import Run
from pipeline.ui.sides import METHODS, Side

SHEET = (Side.ORIGINAL, *(side for side in METHODS if side is not Side.SAMPLE))
SHEET_WIDTH = 640
"""Crops of the sheet are enlarged by whole pixels towards this."""
INVENTED = (
    "All of these come from the same bytes. Where they agree, the stream decides; where they differ, the detail is "
    "invented. What was sent does not change."
)


def grid_html(run: Run, network: str | None) -> str:
    """Crops of what is there, with their numbers, LPIPS by ``network``; the reason where a method cannot take the
    photo."""
    pictures, box = run.pictures, run.pictures.worst(Side.AUTOENCODER)
    figures = []
    for side in SHEET:
        if side in pictures:
            path = pictures.folder.picture(f"crop-{_stem(side)}", box.crop(pictures.read(side)))
            figures.append(Figure(path, pictures.captions[side], _lines(run, side)))
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


def samples_html(run: Run, names: Sequence[str]) -> str:
    """The spread over the whole picture, and of every sample the region where the first two differ most."""
    from pipeline.comparison.differences import SPREAD_TOP, spread_map

    folder = run.pictures.folder
    pictures = [run.pictures.read(name) for name in names]
    box = region(*pictures[:2])
    crops = []
    for name, picture in zip(names, pictures, strict=True):
        title = f"Seed {run.settings.seed}" if name == Side.REPAINT else name
        crops.append(Figure(folder.picture(f"sample-{_stem(name)}", box.crop(picture)), title))
    spread = folder.picture(f"spread-{len(pictures)}", spread_map(pictures))
    scale = f"Standard deviation over {len(pictures)} samples: black 0, brightest from {SPREAD_TOP} of 255."
    whole = [
        Figure(run.pictures.files[Side.REPAINT], "One sample", ("The repaint.",)),
        Figure(spread, "What varies", (scale,), "Map of where the samples differ"),
    ]
    return f'{figures_html(crops, "samples")}<p class="note">{INVENTED}</p>{figures_html(whole, "pair")}'


def _stem(name: str) -> str:
    return name.lower().replace(" ", "-")


def _lines(run: Run, side: Side) -> tuple[str, ...]:
    """Size and scores of a picture that is there."""
    if side not in run.pictures.scores:
        return (f"{run.header.width} × {run.header.height} pixels",)
    size = run.size(side)
    decibels, ms_ssim, lpips = score_texts(run.pictures.scores[side])
    bpp = 8 * size / (run.header.width * run.header.height)
    return f"{size:,} bytes, {bpp:.3f} bpp", f"{decibels} dB, MS-SSIM {ms_ssim}", f"LPIPS {lpips}"
