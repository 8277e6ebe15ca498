"""Which files a batch takes."""

import os
from pathlib import Path

from pipeline.batch.finding import find


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def _png(name: str) -> bool:
    return name.endswith(".png")


def test_every_wanted_file_of_every_sub_folder(tmp_path):
    _touch(tmp_path, "b.png", "a.png", "deep/er/c.png", "deep/notes.txt", "empty/x.txt")
    assert find(tmp_path, _png).names == ["a.png", "b.png", os.path.join("deep", "er", "c.png")]


def test_hidden_files_and_folders_are_left_out(tmp_path):
    _touch(tmp_path, "._a.png", ".thumbnails/a.png")
    assert find(tmp_path, _png).names == []


def test_a_link_to_a_folder_is_not_followed(tmp_path):
    _touch(tmp_path, "a.png")
    (tmp_path / "again").symlink_to(tmp_path)
    assert find(tmp_path, _png).names == ["a.png"]


def test_the_folder_of_the_results_is_left_out_by_whatever_name(tmp_path):
    _touch(tmp_path, "a.png", "out/a.png.png", "output/b.png")
    assert find(tmp_path, _png, leave_out=tmp_path / "output" / ".." / "out").names == ["a.png", "output/b.png"]


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    _touch(tmp_path, "a.png", "locked/b.png")
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find(tmp_path, _png)
    assert found.names == ["a.png"] and found.unreadable == {"locked": "Permission denied"}
