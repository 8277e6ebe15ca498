"""``python -m pipeline evaluate streaks``: fine detail in exactly straight lines, method by method.

What survives at a low rate is edges more than texture, whichever the codec: a decoded picture is to be read beside the
originals and beside other codecs in as many bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from pipeline.codec import Codec
from pipeline.comparison import CodecSubject
from pipeline.comparison.baselines import PLAIN_CODECS
from pipeline.comparison.catalogue import autoencoder, plain, repaint
from pipeline.evaluation.inputs import Data, pictures_below
from pipeline.evaluation.results import RESULTS, write_figures
from pipeline.evaluation.studies import DIFFUSION
from pipeline.images import load_image
from pipeline.metrics import streak_share

ORIGINALS = "photographs"


def shares(codec: Codec, pictures: list[Path], rate: float) -> dict[str, float]:
    """Mean `streak_share` of the originals and of every method at ``rate`` bits per pixel."""
    methods = [autoencoder(), repaint(DIFFUSION), *(plain(name) for name in PLAIN_CODECS)]

    def of(path: Path) -> Iterator[tuple[str, float]]:
        image = load_image(path)
        subject = CodecSubject(codec, np.asarray(image), codec.encode(image, bpp=rate))
        yield ORIGINALS, streak_share(subject.original)
        for method in methods:
            yield method.name, streak_share(method.run(subject).picture)

    found = [dict(of(path)) for path in tqdm(pictures, desc=f"streaks at {rate} bpp", leave=False)]
    return {name: fmean(each[name] for each in found) for name in found[0]}


def command(
    data: Data,
    bpp: Annotated[list[float], typer.Option(help="Bits per pixel; may be given more than once.")] = [0.12, 0.25],  # noqa: B006
    out: Annotated[Path, typer.Option(help="JSON file for the figures.")] = RESULTS / "streaks.json",
) -> None:
    """Share of fine detail in exactly horizontal and vertical lines: photographs, decoders, conventional codecs."""
    codec, pictures = Codec.from_pretrained(), pictures_below(data)
    weights = {name: codec.fingerprint(name) for name in ("autoencoder", "diffusion")}
    figures: dict[str, Any] = {"weights": weights, "pictures": len(pictures)}
    for each in bpp:
        figures[f"{each:g} bpp"] = found = shares(codec, pictures, each)
        for name, share in found.items():
            typer.echo(f"{each:g} bpp  {name}: {share:.3f}")
    write_figures(out, figures)
