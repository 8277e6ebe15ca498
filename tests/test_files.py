"""Files in and out: modes, links, long names, pipes, and what is refused before the work."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import BitbrushError, SettingsError
from pipeline.files import (
    STDIN,
    atomic_folder,
    atomic_path,
    check_output,
    identity,
    is_stream,
    read_input,
    write_output,
)

ROOT = Path(__file__).resolve().parent.parent
GOLDEN_STREAM = ROOT / "tests" / "golden" / "cat.bbr"


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_new_files_honour_the_umask_and_replaced_ones_keep_their_mode(tmp_path, umask):
    new, old = tmp_path / "new", tmp_path / "old"
    write_output(new, b"1", replace=False)
    assert mode(new) == 0o666 & ~umask
    old.write_bytes(b"0")
    old.chmod(0o640)
    write_output(old, b"1", replace=True)
    assert mode(old) == 0o640 and old.read_bytes() == b"1"


def test_links_stay_links(tmp_path):
    (tmp_path / "far").mkdir()
    target, link, dangling = tmp_path / "far" / "target", tmp_path / "link", tmp_path / "dangling"
    target.write_bytes(b"0")
    link.symlink_to(target)
    dangling.symlink_to(tmp_path / "far" / "to come")
    with pytest.raises(SettingsError, match="--force"):
        check_output(link, replace=False)
    write_output(link, b"1", replace=True)
    write_output(dangling, b"2", replace=False)
    assert link.is_symlink() and target.read_bytes() == b"1"
    assert dangling.is_symlink() and (tmp_path / "far" / "to come").read_bytes() == b"2"
    assert names(tmp_path / "far") == {"target", "to come"}


@pytest.mark.parametrize("replace", [False, True])
def test_pipes_are_written_to(tmp_path, replace):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    found = []
    reader = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    reader.start()
    write_output(fifo, b"through the pipe", replace)
    reader.join()
    assert found == [b"through the pipe"] and stat.S_ISFIFO(fifo.stat().st_mode)
    assert is_stream(fifo)


def test_open_descriptors_are_appended_to(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.write(b"before, ")
        file.flush()
        write_output(Path(f"/dev/fd/{file.fileno()}"), b"after", replace=False)
    assert log.read_bytes() == b"before, after"


def test_pipes_are_read(tmp_path):
    read, write = os.pipe()
    os.write(write, b"content")
    os.close(write)
    assert read_input(Path(f"/dev/fd/{read}")) == b"content"
    os.close(read)


def test_a_source_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("pipeline.files.MAX_INPUT_BYTES", 2**20)
    with pytest.raises(BitbrushError, match="larger than 1 MiB"):
        read_input(Path("/dev/zero"))


@pytest.mark.parametrize("length", [200, 243, 250, 255])
def test_names_as_long_as_the_file_system_takes(tmp_path, length):
    out = tmp_path / ("n" * (length - 4) + ".bbr")
    write_output(out, b"1", replace=False)
    assert out.read_bytes() == b"1" and len(names(tmp_path)) == 1


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_bytes(b"0")
    for out, word in (
        (tmp_path / ("n" * 256), "too long"),
        (tmp_path / "nowhere" / "out", "create it first"),
        (file / "out", "create it first"),
        (tmp_path, "is a folder"),
        (file, "--force"),
        (Path("/proc/out"), "cannot be written"),
    ):
        with pytest.raises(SettingsError, match=word):
            check_output(out, replace=False)
    monkeypatch.setattr(os, "access", lambda path, kind: False)
    with pytest.raises(SettingsError, match="write-protected"):
        check_output(file, replace=True)
    assert names(tmp_path) == {"file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_read_only_folders_are_refused_before_the_work(tmp_path):
    for permissions in (0o500, 0o000):
        tmp_path.chmod(permissions)
        with pytest.raises(SettingsError, match="cannot be written"):
            check_output(tmp_path / "out", replace=False)
    tmp_path.chmod(0o700)


def test_a_way_through_a_missing_folder_is_no_way_around(tmp_path):
    file, around, link = tmp_path / "file", tmp_path / "gone" / ".." / "file", tmp_path / "link"
    file.write_bytes(b"precious")
    file.chmod(0o640)
    link.symlink_to("gone/../file")
    for out in (around, link):
        with pytest.raises(SettingsError, match="--force"):
            write_output(out, b"1", replace=False)
        with pytest.raises(SettingsError, match="what is read"):
            write_output(out, b"1", True, file)
    assert file.read_bytes() == b"precious"
    write_output(around, b"1", replace=True)
    assert file.read_bytes() == b"1" and mode(file) == 0o640


@pytest.mark.parametrize("place", [0, 1])
def test_what_is_read_is_never_replaced(place, tmp_path):
    photo, link, twin, other = (tmp_path / name for name in ("photo", "link", "twin", "other"))
    photo.write_bytes(b"precious")
    sources = [tmp_path / "gone", other]
    sources.insert(place, photo)
    link.symlink_to(photo)
    twin.hardlink_to(photo)
    for out in (photo, link, twin):
        with pytest.raises(SettingsError, match="what is read"):
            write_output(out, b"1", True, *sources)
    assert photo.read_bytes() == b"precious"


def test_a_file_is_known_by_all_of_its_names(tmp_path):
    (tmp_path / "deep").mkdir()
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    spelled = [file, link, tmp_path / "deep" / ".." / "file", Path(os.path.relpath(file))]
    assert len({identity(path) for path in spelled}) == 1
    with file.open("wb") as opened:
        (tmp_path / "twin").hardlink_to(file)
        spelled += [tmp_path / "twin", Path(f"/dev/fd/{opened.fileno()}")]
        assert len({identity(path) for path in spelled}) == 1
    assert identity(tmp_path / "other") != identity(file)
    assert identity(Path("-")) == identity(Path("/dev/stdout"))
    assert identity(Path("-"), STDIN) == identity(Path("/dev/fd/0"))


def test_a_failed_block_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "out") as partial:
        partial.write_bytes(b"half")
        raise RuntimeError
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "folder") as partial:
        (partial / "file").write_bytes(b"half")
        raise RuntimeError
    assert not names(tmp_path)


def test_a_folder_is_filled_file_by_file(tmp_path, umask):
    folder = tmp_path / "runs" / "model"
    for content in (b"1", b"2"):
        with atomic_folder(folder) as partial:
            (partial / "part").mkdir()
            (partial / "part" / "weights").write_bytes(content)
            (partial / "part" / "weights").chmod(0o600)
            assert not (folder / "part" / "weights").exists() or content == b"2"
        assert (folder / "part" / "weights").read_bytes() == content
        assert mode(folder / "part" / "weights") == 0o666 & ~umask
    assert names(tmp_path / "runs") == {"model"}


def test_a_full_device_is_said():
    with pytest.raises(BitbrushError, match="No space left"):
        write_output(Path("/dev/full"), b"1", replace=False)


def shell(line: str, folder: Path) -> subprocess.CompletedProcess:
    """Runs a line of bash in which ``$B`` is the program."""
    environment = {**os.environ, "BITBRUSH_OFFLINE": "1", "B": f"{sys.executable} -m pipeline", "PYTHONPATH": str(ROOT)}
    line = f"set -o pipefail; {line}"
    return subprocess.run(["bash", "-c", line], capture_output=True, cwd=folder, env=environment, timeout=120)


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("$B info - <&-", 1, "Standard input is closed"),
        ("$B info a.bbr > /dev/full", 1, "No space left"),
        ("$B compress a.png - >&-", 1, "Standard output is closed"),
        ("$B info a.bbr | true", 1, ""),
    ],
)
def test_standard_streams_that_fail_cost_one_sentence(line, code, word, tmp_path):
    (tmp_path / "a.bbr").write_bytes(GOLDEN_STREAM.read_bytes())
    result = shell(line, tmp_path)
    error = result.stderr.decode()
    assert result.returncode == code and word in error, error
    assert error.count("\n") == bool(word) and "Traceback" not in error


def test_process_substitution_and_names_of_standard_streams(tmp_path):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "2.bbr").write_bytes(b"before")
    result = shell("$B compress <(cat a.png) >(cat > 1.bbr)", tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    result = shell("cat a.png | $B compress /dev/stdin /dev/stdout >> 2.bbr", tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    stream = (tmp_path / "1.bbr").read_bytes()
    assert stream and (tmp_path / "2.bbr").read_bytes() == b"before" + stream
