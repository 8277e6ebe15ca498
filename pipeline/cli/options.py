"""The options and arguments that several commands take."""

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from pipeline.settings import MAX_SEED, MAX_SHIFT, MAX_STEPS, Precision

DEFAULT_QUALITY = 0.5


def examples(*lines: str) -> str:
    return "\n\n".join(("Examples:", *(f"python -m pipeline {line}" for line in lines)))


Quality = Annotated[
    float | None, typer.Option(min=0, max=1, help=f"0 smallest, 1 best; {DEFAULT_QUALITY} unless given.")
]
Bpp = Annotated[float | None, typer.Option(min=0.001, help="Bits per pixel to aim at, instead of --quality.")]
Steps = Annotated[int, typer.Option(min=1, max=MAX_STEPS, help="Sampling steps.")]
Noise = Annotated[float, typer.Option(min=0, max=1, help="0 is the autoencoder's picture, 1 the most realistic.")]
OwnSteps = Annotated[
    int | None, typer.Option(min=1, max=MAX_STEPS, help="Sampling steps; the codec's own number unless given.")
]
OwnNoise = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="0 is the picture without painting, 1 the most; the codec's own unless given."),
]
Shift = Annotated[
    float | None,
    typer.Option(
        min=1 / MAX_SHIFT,
        max=MAX_SHIFT,
        help="Shift of diffusion's noise schedule; above 1 as in text-to-image. The trained one unless given.",
    ),
]
Compute = Annotated[
    Precision,
    typer.Option(
        "--precision", help="What the painters and, but for fp16, stage 1 compute in; auto: what is fast here."
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="The same seed paints the same detail.")]
QualityMap = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="even|adaptive|MASK",
        help="Where the bits go: even everywhere, adaptive to the picture, or to the bright parts of MASK, a picture "
        "of the same shape. Adaptive unless given; even for ultralow.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing output file.")]
Picture = Annotated[Path, typer.Argument(metavar="PICTURE", help="PNG, JPEG, WebP, AVIF, …, or - for stdin.")]
Pictures = Annotated[
    Path, typer.Argument(metavar="PICTURE|FOLDER", help="PNG, JPEG, WebP, AVIF, …, a folder of them, or - for stdin.")
]
Stream = Annotated[Path, typer.Argument(metavar="STREAM", help="A .bbr file, or - for stdin.")]
Streams = Annotated[
    Path, typer.Argument(metavar="STREAM|FOLDER", help="A .bbr file, a folder of them, or - for stdin.")
]
StreamOut = Annotated[
    Path, typer.Argument(metavar="OUT", help="The .bbr file to write, the folder for them, or - for stdout.")
]
PngOut = Annotated[Path, typer.Argument(metavar="OUT.png", help="The PNG file to write, or - for stdout.")]
PngsOut = Annotated[
    Path, typer.Argument(metavar="OUT", help="The .png file to write, the folder for them, or - for stdout.")
]
Invented = Annotated[
    Path | None,
    typer.Option(metavar="MAP.png", help="Also write how far the painting leaves what was sent, and say its scale."),
]
_FOLDERS = "Folders"
"""Panel of the help for what only folders take."""
Workers = Annotated[
    int,
    typer.Option(min=1, rich_help_panel=_FOLDERS, help="Processes at once, with a model each; they share the cores."),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", rich_help_panel=_FOLDERS, help="Skip what is done and whole, replace what is not."),
]
Table = Annotated[
    Path | None,
    typer.Option("--csv", rich_help_panel=_FOLDERS, help="Table of bytes and scores; OUT/results.csv unless given."),
]
OnRay = Annotated[
    bool,
    typer.Option("--ray", rich_help_panel=_FOLDERS, help="On a Ray cluster, a core for each worker (optional: Ray)."),
]
Originals = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_FOLDERS,
        exists=True,
        file_okay=False,
        help="The folder that was compressed, to measure against its pictures.",
    ),
]


class Rate(TypedDict, total=False):
    """The one rate argument of `Codec.encode`."""

    quality: float
    bpp: float


def rate(quality: float | None, bpp: float | None) -> Rate:
    """The one rate argument of `Codec.encode`."""
    if quality is not None and bpp is not None:
        raise typer.BadParameter("Give either --quality or --bpp, not both.")
    return {"bpp": bpp} if bpp is not None else {"quality": DEFAULT_QUALITY if quality is None else quality}
