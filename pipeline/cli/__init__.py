"""The command line: ``python -m pipeline compress | decompress | info | compare | verify | train | evaluate``.

Exit codes: 0 done, 1 a `BitbrushError` (one sentence on stderr), 2 wrong usage, 130 interrupted. A file name of ``-``
is stdin or stdout, an empty one is wrong usage. Existing files are only replaced with ``--force``, of a folder with
``--resume``, too; what is read never; and output takes its name when it is complete.
"""

from pipeline.cli.commands import app
from pipeline.cli.shell import run

__all__ = ["app", "main"]


def main() -> None:
    """Runs the command line and exits."""
    run(app)
