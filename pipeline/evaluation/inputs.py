"""Which pictures are measured."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.batch.finding import find, is_picture

Data = Annotated[Path, typer.Option(help="Folder of pictures.", exists=True)]


def pictures_below(folder: Path) -> list[Path]:
    """Those that ``compress`` would take, sub-folders included; raises `typer.BadParameter` where there is none.

    What follows does not run as a batch: its distances are of the patches of all pictures together, its methods share
    the decoded pictures of one process, and its rows resume by method instead of by picture.
    """
    found = find(folder, is_picture)
    if found.unreadable or not found.names:
        raise typer.BadParameter(f"no pictures in {folder}, or a sub-folder that cannot be read")
    return [folder / name for name in found.names]
