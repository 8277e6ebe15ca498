"""``python -m pipeline evaluate yardsticks``."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.codec import Codec
from pipeline.evaluation import tables
from pipeline.evaluation.inputs import Data, pictures_below
from pipeline.evaluation.quality import evaluate
from pipeline.evaluation.results import RESULTS, load_results
from pipeline.evaluation.yardsticks import judged, yardsticks
from pipeline.images import image_size
from pipeline.metrics.two_sample import PATCH
from pipeline.settings import SystemName


def judge(
    data: Data,
    rate: Annotated[float, typer.Option(help="Bits per pixel of every stream, at most.")] = 0.25,
    codec: Annotated[SystemName, typer.Option(help="Whose decoders are judged.")] = SystemName.STANDARD,
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures; one a codec unless given.")] = None,
) -> None:
    """Wasserstein distortion, two-sample test, MDSI and block grid beside the usual; continues an interrupted run."""
    path = out or RESULTS / f"yardsticks-{codec}.json"
    pictures, methods = pictures_below(data), judged(codec)
    if sum(min(image_size(picture)) >= PATCH for picture in pictures) < 2:
        raise typer.BadParameter(
            f"the two-sample test needs two pictures of {PATCH} pixels a side and more", param_hint="--data"
        )
    for row in evaluate(Codec.from_pretrained(), pictures, [rate], methods, path, codec, yardsticks):
        typer.echo(f"{row.rate} bpp  {tables.table_line(row)}")
    typer.echo(tables.yardstick_table(load_results(path)))
