"""The table of a batch: a line of CSV for each file, the bad ones with what is wrong with them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pipeline.files import write_output


@dataclass(frozen=True)
class Line:
    """One file. A compressed picture is measured on what its stream alone says, a decoded one on what was painted."""

    name: str
    """Of the input, relative to its folder."""
    bytes: int | None = None
    """Of the stream."""
    bpp: float | None = None
    psnr: float | None = None
    ms_ssim: float | None = None
    lpips: float | None = None
    note: str = ""
    """What is missing in the picture, or was left out of the file."""
    error: str = ""
    """A sentence for a bad file, which has nothing else."""


def write_table(lines: Iterable[Line], path: Path) -> None:
    """Writes the whole table or nothing; ``-`` is standard output. Names that are not UTF-8 keep their bytes.

    Raises:
        BitbrushError: it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(Line)])
    writer.writeheader()
    for line in lines:
        cells = {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(line).items()}
        writer.writerow(cells)
    write_output(path, text.getvalue().encode("utf-8", "surrogateescape"), replace=True)
