"""``compress`` and ``decompress`` of whole folders."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from tqdm import tqdm

from pipeline.cli.shell import note
from pipeline.errors import SettingsError
from pipeline.files import is_stream

if TYPE_CHECKING:
    from pipeline.batch import Batch
    from pipeline.batch.orders import Order


def run_folder(order: "Order", batch: "Batch") -> None:
    """Runs a batch, with a line on stderr for each bad file; ends with exit code 1 if there was one."""
    from pipeline.batch import run

    summary = run(order, batch, lambda text: tqdm.write(f"Error: {text}", file=sys.stderr))
    note(f"{summary.made} made, {summary.skipped} there already, {summary.bad} bad: see {summary.table}")
    if summary.bad:
        raise typer.Exit(1)


def is_folder(source: Path, out: Path) -> bool:
    """Whether a command is for all files of a folder; raises `SettingsError` where these would go to one stream."""
    if is_stream(source) or not source.is_dir():
        return False
    if is_stream(out):
        raise SettingsError("What is made of a folder cannot go to the standard output; name a folder for it.")
    return True


def refuse_folder_options(source: Path, **given: object) -> None:
    """Raises `SettingsError` where a single file is given what only folders take."""
    for name, value in given.items():
        if value:
            raise SettingsError(f"--{name} is for folders, and {source} is none; leave it away.")
