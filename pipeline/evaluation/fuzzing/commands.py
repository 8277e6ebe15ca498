"""``python -m pipeline evaluate fuzz`` and ``fuzz-pictures``."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from pipeline.evaluation.fuzzing.corpus import Corpus
from pipeline.evaluation.fuzzing.pictures import PictureReport, fuzz_pictures
from pipeline.evaluation.fuzzing.streams import FuzzReport, fuzz_streams
from pipeline.evaluation.results import RESULTS, write_figures


def streams(
    count: Annotated[int, typer.Option(min=1, help="Streams to try.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Makes the same streams again.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes at once.")] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option(help="JSON file for the figures.")] = RESULTS / "fuzz.json",
) -> None:
    """Hostile streams, most with their checksums put right: each must be refused in bounded time and memory.

    The file is written every thousand streams.
    """
    report = FuzzReport(seed)
    for result in tqdm(fuzz_streams(count, seed, workers), total=count, unit="stream", disable=None):
        report.add(result)
        if report.cases % 1000 == 0 or report.cases == count:
            write_figures(out, report.figures())
    figures = report.figures()
    typer.echo(json.dumps(figures, indent=1, ensure_ascii=False))
    if report.faults:
        raise typer.Exit(1)


def pictures(
    count: Annotated[int, typer.Option(min=1, help="Files to read.")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed damages alike.")] = 0,
    out: Annotated[Path, typer.Option(help="JSON file for the figures.")] = RESULTS / "fuzz-pictures.json",
) -> None:
    """Damaged picture files and decompression bombs, in workers of bounded memory: a picture or a typed error."""
    report = PictureReport(Corpus(seed))
    for result in tqdm(fuzz_pictures(count, seed, os.cpu_count() or 1), total=count, unit="file", disable=None):
        report.add(result)
    typer.echo(f"{report.files} files, {len(report.faults)} faults, slowest {report.slowest_seconds:.2f} s")
    write_figures(out, report.figures())
    if report.faults:
        raise typer.Exit(1)
