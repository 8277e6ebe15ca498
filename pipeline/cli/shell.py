"""How the command line starts and ends: one sentence for what a person can put right, sound standard streams."""

import importlib
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

from pipeline.errors import BitbrushError

if TYPE_CHECKING:
    from typer._click import Context

_LATE = {"train": "pipeline.training.cli", "evaluate": "pipeline.evaluation.cli"}
"""Commands whose modules need more than the app does; imported when they are called."""
_EMPTY = re.compile(r"(--[a-z-]+=)?")


class Commands(TyperGroup):
    """Turns every `BitbrushError` into one line on stderr and exit code 1; finds the late commands.

    An empty argument of whichever command is refused, for as a path it would mean the current folder.
    """

    def list_commands(self, ctx: "Context") -> list[str]:
        return [*super().list_commands(ctx), *_LATE]

    def get_command(self, ctx: "Context", cmd_name: str) -> Any:
        if cmd_name in _LATE:
            command = typer.main.get_command(importlib.import_module(_LATE[cmd_name]).app)
            command.name = cmd_name
            return command
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        if any(_EMPTY.fullmatch(argument) for argument in args):
            raise typer.BadParameter("An argument is empty; give a name or a value.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: "Context") -> Any:
        try:
            return super().invoke(ctx)
        except BitbrushError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None


def run(app: typer.Typer) -> NoReturn:
    """Runs the command line and exits; a standard stream that is closed, full or cut off costs a sentence at most."""
    _occupy_closed_streams()
    try:
        app(prog_name="python -m pipeline")
    except SystemExit as exit:
        code = exit.code
    except OSError as error:
        if error.strerror is None:
            raise
        note(f"Error: {error.filename or 'Standard output, or a file,'} cannot be used ({error.strerror}).")
        code = 1
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # What is left could not be written when Python ends, either, which would then say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    sys.exit(code)


def _occupy_closed_streams() -> None:
    """Opens nothing in place of closed standard streams, so that no other file takes their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")


def note(text: str) -> None:
    """One line on stderr."""
    typer.echo(text, err=True)
