"""Files in and out: an output is whole or not there at all; pipes and devices are used as they are."""

import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pipeline.errors import BitbrushError, SettingsError

STANDARD_STREAM = Path("-")
STDIN, STDOUT = 0, 1
MAX_INPUT_BYTES = 2**29
"""More than any picture or stream within the pixel limit takes; pipes may have no end."""
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.partial")
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name only when the block succeeds.

    A symbolic link is kept: its target is what is written. A new file gets the mode that the umask leaves, a replaced
    one keeps its own. Pipes and devices are not replaced: their own path is given.

    Raises:
        OSError: the folder is missing, full or not writable, or the name is too long.
    """
    before = _state(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{secrets.token_hex(8)}.partial")
    with partial.open("xb") as file:
        mode = stat.S_IMODE((before or os.fstat(file.fileno())).st_mode)
    try:
        yield partial
        partial.chmod(mode)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def remove_partials(folders: Iterable[Path]) -> None:
    """Removes what `atomic_path` left in these folders when its process was killed; none may be at work there."""
    for folder in folders:
        for path in folder.glob(".*.partial"):
            if _PARTIAL.fullmatch(path.name):
                path.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder whose files move into ``folder`` one by one, each of them whole, when the block succeeds.

    Modes are those of `atomic_path`, whatever a library gave the files.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as name:
        partial = Path(name, folder.name)
        partial.mkdir()
        yield partial
        for file in sorted(path for path in partial.rglob("*") if path.is_file()):
            target = folder / file.relative_to(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            before = _state(target)
            file.chmod(stat.S_IMODE((before or partial.stat()).st_mode) & 0o666)
            os.replace(file, target)


def check_output(out: Path, replace: bool, *sources: Path) -> None:
    """Refuses, before any work is done, what must not or cannot be written in the end.

    Args:
        replace: whether an existing file may be replaced; a pipe or a device needs no leave.
        sources: what is read; none of it is ever replaced.

    Raises:
        SettingsError: a folder, a missing or read-only folder, an existing file, a source itself, a name too long.
    """
    if (descriptor := _descriptor(out, STDOUT)) is not None:
        if descriptor == STDOUT and sys.stdout is None:
            raise SettingsError("Standard output is closed; give the name of a file.")
        return
    try:
        before = _state(out)
        if before is not None and not stat.S_ISREG(before.st_mode):
            _check_special(out, before)
            return
        target = Path(os.path.realpath(out))
        folder = target.parent
        if not folder.is_dir():
            raise SettingsError(f"The folder {folder} does not exist; create it first.")
        if before is not None:
            if identity(out) in (identity(source, STDIN) for source in sources):
                raise SettingsError(f"{out} is what is read; choose another name, so that the original stays.")
            if not replace:
                raise SettingsError(f"{out} exists; choose another name, or add --force to replace it.")
            if not os.access(target, os.W_OK):
                raise SettingsError(f"{out} is write-protected; choose another name.")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(f"{out} cannot be written ({error.strerror}); choose another name or folder.") from None


def identity(path: Path, standard: int = STDOUT) -> tuple[int, int] | str:
    """The same for every name of one file, link or open descriptor, whether the file is there already or to come.

    Args:
        standard: what ``-`` is, `STDIN` or `STDOUT`.
    """
    descriptor = _descriptor(path, standard)
    with suppress(OSError):
        state = _state(path) if descriptor is None else os.fstat(descriptor)
        if state is not None:
            return state.st_dev, state.st_ino
    return os.path.realpath(path)


def is_stream(path: Path) -> bool:
    """Whether a path is standard input or output, a pipe or a device: nothing that has a name of its own choosing."""
    if _descriptor(path, STDOUT) is not None:
        return True
    with suppress(OSError):
        state = _state(path)
        return state is not None and (stat.S_ISFIFO(state.st_mode) or stat.S_ISCHR(state.st_mode))
    return False


def read_input(source: Path) -> bytes:
    """The content of a file, a pipe, a device or, for ``-``, of standard input.

    Raises:
        BitbrushError: it cannot be read, or has no end within `MAX_INPUT_BYTES`.
    """
    name = "Standard input" if source == STANDARD_STREAM else str(source)
    try:
        with _reader(source) as file:
            content = file.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise BitbrushError(f"{name} cannot be read ({error.strerror}); check the name.") from None
    if len(content) > MAX_INPUT_BYTES:
        raise BitbrushError(f"{name} is larger than {MAX_INPUT_BYTES >> 20} MiB; give a single picture or stream.")
    return content


def write_output(out: Path, content: bytes, replace: bool, *sources: Path) -> None:
    """Writes all of it or nothing; refuses again what `check_output` refuses, as files may have come and gone.

    Raises:
        BitbrushError: it must not or cannot be written.
        BrokenPipeError: who reads the pipe has gone.
    """
    check_output(out, replace, *sources)
    name = "Standard output" if out == STANDARD_STREAM else str(out)
    try:
        if (descriptor := _descriptor(out, STDOUT)) is not None:
            _write_open(descriptor, content)
        else:
            with atomic_path(out) as partial:
                partial.write_bytes(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BitbrushError(f"{name} cannot be written ({error.strerror}); check the folder and its space.") from None


def _state(path: str | Path) -> os.stat_result | None:
    """What stands at ``path``, through symbolic links; None where nothing does.

    What stands at its real path counts, too: there `atomic_path` writes ``gone/../file`` without the folder ``gone``.
    """
    for name in (path, os.path.realpath(path)):
        with suppress(FileNotFoundError, NotADirectoryError):
            return os.stat(name)
    return None


def _check_special(out: Path, state: os.stat_result) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise SettingsError(f"{out} is a folder; give the name of a file.")
    if not (stat.S_ISFIFO(state.st_mode) or stat.S_ISCHR(state.st_mode)):
        raise SettingsError(f"{out} is neither a file nor a pipe; choose another name.")
    if not os.access(out, os.W_OK):
        raise SettingsError(f"{out} is write-protected; choose another name.")


def _descriptor(path: Path, standard: int) -> int | None:
    """The open descriptor that a path names, ``-`` the ``standard`` one; opening it anew would cut a file short."""
    if path == STANDARD_STREAM:
        return standard
    match = _DESCRIPTOR.fullmatch(str(path))
    return int(match[1]) if match else _STANDARD.get(str(path))


@contextmanager
def _reader(source: Path) -> Iterator[IO[bytes]]:
    descriptor = _descriptor(source, STDIN)
    if descriptor == STDIN:
        if sys.stdin is None:
            raise BitbrushError("Standard input is closed; give the name of a file.")
        yield sys.stdin.buffer
        return
    with open(source if descriptor is None else os.dup(descriptor), "rb") as file:
        yield file


def _write_open(descriptor: int, content: bytes) -> None:
    if descriptor == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    with open(os.dup(descriptor), "wb") as file:
        file.write(content)
