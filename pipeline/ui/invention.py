"""What was sent beside what was invented: of a finished run, and of several seeds, as HTML."""

from collections.abc import Sequence

from pipeline.ui.figures import Figure, figures_html, stem
from pipeline.ui.pictures import region
from pipeline.ui.run import Run
from pipeline.ui.sides import Side

INVENTED = "Invented"
"""The picture's name in a run."""
SAMPLES = (
    "All of these come from the same bytes. Where they agree, the stream decides; where they differ, the detail is "
    "invented."
)


def invention_html(run: Run) -> str:
    """The picture that was sent, and how far the repaint leaves it."""
    from pipeline.comparison.invention import invented, invention_map

    pictures, header = run.pictures, run.header
    if INVENTED not in pictures:
        levels = invented(pictures.read(Side.REPAINT), pictures.read(Side.AUTOENCODER))
        picture, top = invention_map(levels)
        pictures.add(INVENTED, picture, f"{_scale(top)} On average {levels.mean():.1f}.")
    sent = f"{header.total_bytes:,} bytes, {header.bpp:.3f} bits per pixel.", "What these bytes say, before painting."
    invention = "How far the repaint leaves it.", pictures.captions[INVENTED]
    figures = [
        Figure(pictures.files[Side.AUTOENCODER], "What was sent", sent),
        Figure(pictures.files[INVENTED], "What was invented", invention, "Map of how far the repaint leaves it"),
    ]
    return figures_html(figures, "pair")


def samples_html(run: Run, names: Sequence[str]) -> str:
    """What differs between the samples, and of each the region where the first two differ most."""
    from pipeline.comparison.invention import invention_map, seed_spread

    folder = run.pictures.folder
    pictures = [run.pictures.read(name) for name in names]
    levels = seed_spread(pictures)
    spread, top = invention_map(levels)
    box = region(*pictures[:2])
    crops = []
    for name, picture in zip(names, pictures, strict=True):
        title = f"Seed {run.settings.seed}" if name == Side.REPAINT else name
        crops.append(Figure(folder.part(f"sample-{stem(name)}", box.crop(picture)), title))
    lines = f"Standard deviation over {len(pictures)} seeds.", f"{_scale(top)} On average {levels.mean():.1f}."
    file = folder.part(f"spread-{len(pictures)}", spread)
    whole = [
        Figure(run.pictures.files[Side.REPAINT], "One of them", ("The repaint.",)),
        Figure(file, "What differs between seeds", lines, "Map of where the samples differ"),
    ]
    return f'{figures_html(whole, "pair")}{figures_html(crops, "samples")}<p class="note">{SAMPLES}</p>'


def _scale(top: int) -> str:
    return f"Black 0, brightest from {top} of 255 grey levels."
