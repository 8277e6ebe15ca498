"""Batches with the shipped codec, in this process instead of in workers."""

import csv
import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline import processes
from pipeline.batch import Batch, Compression, Decompression, running
from pipeline.batch.journal import JOURNAL
from pipeline.errors import SettingsError
from pipeline.images import load_image
from pipeline.pictures.cleaned import ENDS_EARLY
from pipeline.settings import Decoder, Precision, QualityMapKind, SystemName
from tests.conftest import synthetic_picture

ORDER = Compression(SystemName.STANDARD, quality=0.3)


@pytest.fixture(autouse=True)
def asked(codec, monkeypatch) -> list[str]:
    """The names that workers were given, by and by; "" stops the run before it as Ctrl-C does."""
    names: list[str] = []

    def run(make, tasks, workers, environment):
        order, folder, out, _ = make.args
        work = running.Worker(order, codec, folder, out)
        for task in tasks:
            if names[:1] == [""]:
                raise KeyboardInterrupt
            names.append(task)
            yield processes.Lost(task, "hang", 1.0) if "crash" in task else processes.Done(task, work(task))

    monkeypatch.setattr(processes, "run", run)
    return names


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two pictures of one stem, one in a sub-folder, and a broken one."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "a.jpg", "deep/c.png")):
        synthetic_picture(70, 45, seed).save(folder / name)
    (folder / "deep" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return folder


def go(folder: Path, order=ORDER, **options):
    said: list[str] = []
    batch = Batch(folder, options.pop("out", folder.parent / "out"), **options)
    return running.run(order, batch, said.append), said


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in (JOURNAL, "results.csv"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def table(folder: Path) -> dict[str, dict[str, str]]:
    with open(folder / "results.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_streams_are_those_of_one_by_one_and_the_bad_one_is_said(folder, codec, tmp_path):
    summary, said = go(folder)
    made = files(tmp_path / "out")
    assert made.keys() == {"a.png.bbr", "a.jpg.bbr", "deep/c.png.bbr"}
    for name, stream in made.items():
        assert stream == codec.encode(load_image(folder / name.removesuffix(".bbr")), quality=0.3)
    assert (summary.made, summary.skipped, summary.bad) == (3, 0, 1)
    assert len(said) == 1 and said[0].startswith("deep/broken.jpg: ")


def test_the_table_has_a_line_for_each_file(folder, tmp_path):
    go(folder)
    lines = table(tmp_path / "out")
    assert list(lines) == ["a.jpg", "a.png", "deep/broken.jpg", "deep/c.png"]
    line = lines["a.png"]
    size = (tmp_path / "out" / "a.png.bbr").stat().st_size
    assert int(line["bytes"]) == size and float(line["bpp"]) == pytest.approx(8 * size / (70 * 45), abs=1e-5)
    assert float(line["psnr"]) > 20 and float(line["lpips"]) > 0 and line["ms_ssim"] == ""
    assert lines["deep/broken.jpg"]["error"] and not lines["deep/broken.jpg"]["bytes"]


def test_resuming_makes_what_is_missing_and_completes_the_table(folder, tmp_path, asked):
    go(folder)
    complete = (tmp_path / "out" / "results.csv").read_bytes()
    before = files(tmp_path / "out")
    (tmp_path / "out" / "a.png.bbr").unlink()
    (tmp_path / "out" / "results.csv").unlink()
    asked.clear()
    summary, _ = go(folder, resume=True)
    assert asked == ["a.png", "deep/broken.jpg"]
    assert (summary.made, summary.skipped, summary.bad) == (1, 2, 1)
    assert files(tmp_path / "out") == before
    assert (tmp_path / "out" / "results.csv").read_bytes() == complete


def _cut_off(folder: Path, out: Path) -> None:
    stream = out / "a.png.bbr"
    stream.write_bytes(stream.read_bytes()[:-3])


def _other_stream(folder: Path, out: Path) -> None:
    (out / "a.png.bbr").write_bytes((out / "a.jpg.bbr").read_bytes())


def _newer_picture(folder: Path, out: Path) -> None:
    synthetic_picture(70, 45, 9).save(folder / "a.png")


def _touched_picture(folder: Path, out: Path) -> None:
    os.utime(folder / "a.png", (1, 1))


def _torn_journal(folder: Path, out: Path) -> None:
    journal = out / JOURNAL
    lines = sorted(journal.read_bytes().splitlines(), key=lambda line: json.loads(line)["line"]["name"] == "a.png")
    journal.write_bytes(b"\n".join(lines)[:-20])


@pytest.mark.parametrize("damage", [_cut_off, _other_stream, _newer_picture, _touched_picture, _torn_journal])
def test_what_is_not_whole_or_not_the_same_is_made_again(damage, folder, tmp_path, asked, codec):
    go(folder)
    damage(folder, tmp_path / "out")
    asked.clear()
    go(folder, resume=True)
    assert asked == ["a.png", "deep/broken.jpg"]
    expected = codec.encode(load_image(folder / "a.png"), quality=0.3)
    assert files(tmp_path / "out")["a.png.bbr"] == expected
    asked.clear()
    go(folder, resume=True)
    assert asked == ["deep/broken.jpg"]


def test_another_quality_is_another_run(folder, tmp_path, asked):
    go(folder)
    asked.clear()
    go(folder, Compression(SystemName.STANDARD, quality=0.5), resume=True)
    assert len(asked) == 4


def test_another_precision_is_another_run(folder, tmp_path, asked):
    go(folder)
    asked.clear()
    for precision in (Precision.FP32, Precision.BF16):
        order = Decompression(Decoder.AUTOENCODER, None, None, 0, None, precision)
        go(tmp_path / "out", order, out=tmp_path / "painted", resume=True)
    assert len(asked) == 6


def test_other_weights_are_another_run(folder, tmp_path, asked, monkeypatch):
    go(folder)
    asked.clear()
    weights = tmp_path / "checkpoints" / "semantic"
    weights.mkdir(parents=True)
    (weights / "model.safetensors").write_bytes(b"other weights, with another name")
    (tmp_path / "checkpoints" / ".left-over").mkdir()
    monkeypatch.setattr("pipeline.codec.CHECKPOINTS", tmp_path / "checkpoints")
    go(folder, resume=True)
    assert len(asked) == 4


def test_one_network_measures_all_of_a_table(folder, tmp_path, asked, monkeypatch):
    in_use = "pipeline.metrics.perceptual.networks.network_in_use"
    monkeypatch.setattr(in_use, lambda: "squeeze")
    given = []
    do = processes.run
    monkeypatch.setattr(processes, "run", lambda *args: (given.append(args[-1]), do(*args))[1])
    go(folder)
    assert [each["BITBRUSH_LPIPS"] for each in given] == ["squeeze"]
    asked.clear()
    monkeypatch.setattr(in_use, lambda: "distilled")
    go(folder, resume=True)
    assert len(asked) == 4, "scores by another network are other scores"


def test_results_are_not_replaced_unasked(folder, tmp_path, asked):
    go(folder)
    asked.clear()
    with pytest.raises(SettingsError, match=r"3 of the 4.*--resume.*--force"):
        go(folder)
    assert not asked
    go(folder, force=True)
    assert len(asked) == 4


def test_a_crash_costs_one_file(folder, tmp_path):
    synthetic_picture(40, 40).save(folder / "crash.png")
    summary, said = go(folder)
    assert (summary.made, summary.bad) == (3, 2)
    assert any(text.startswith("crash.png: Its worker process ended (hang)") for text in said)


def test_an_interrupted_run_leaves_a_table_and_can_go_on(folder, tmp_path, asked):
    asked.append("")
    with pytest.raises(KeyboardInterrupt):
        go(folder)
    assert files(tmp_path / "out") == {} and table(tmp_path / "out") == {}
    asked.clear()
    summary, _ = go(folder, resume=True)
    assert summary.made == 3


def test_half_written_files_of_a_killed_run_are_removed(folder, tmp_path):
    left = tmp_path / "out" / "deep" / ".0123456789abcdef.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    (left.parent / ".notes.partial").write_bytes(b"someone else's")
    go(folder)
    assert not left.exists() and (left.parent / ".notes.partial").exists()


def test_results_below_the_folder_are_not_read_again(folder, tmp_path, asked):
    go(folder, out=folder / "deep" / "out")
    streams = folder / "deep" / "out"
    asked.clear()
    order = Decompression(Decoder.AUTOENCODER, None, None, 0, None)
    go(streams, order, out=streams / "pictures")
    assert len(asked) == 3
    asked.clear()
    go(folder, out=folder / "deep" / "out", resume=True)
    assert asked == ["deep/broken.jpg"]


def test_two_runs_at_once_do_not_mix(folder, tmp_path):
    from pipeline.batch.journal import open_journal

    (tmp_path / "out").mkdir()
    with open_journal(tmp_path / "out", "", keep=True), pytest.raises(SettingsError, match="Another run"):
        go(folder)


def test_a_folder_that_cannot_be_locked_is_said(folder, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def without_locks(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without_locks)
    with pytest.raises(SettingsError, match="out cannot be locked"):
        go(folder)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "notes.txt").write_text("x")])
def test_a_folder_without_pictures_is_refused(tmp_path, make):
    empty = tmp_path / "empty"
    empty.mkdir()
    make(empty)
    with pytest.raises(SettingsError, match="nothing to do"):
        go(empty)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("leave", ["force", "resume"])
@pytest.mark.parametrize("taken", ["photos/a.png", "photos/deep/../a.png", "out/a.png.bbr", f"out/{JOURNAL}"])
def test_the_table_is_neither_read_nor_one_of_the_results(leave, taken, folder, tmp_path, asked):
    before = files(folder)
    with pytest.raises(SettingsError, match=r"choose another name"):
        go(folder, table=tmp_path / taken, **{leave: True})
    assert not asked and files(folder) == before and not (tmp_path / "out").exists()


def test_a_result_never_replaces_what_is_read(folder, tmp_path, asked):
    go(folder)
    asked.clear()
    synthetic_picture(70, 45, 3).save(folder / "a.png.png")
    (tmp_path / "out" / "a.png.png.bbr").write_bytes((tmp_path / "out" / "a.png.bbr").read_bytes())
    before = files(folder)
    order = Decompression(Decoder.AUTOENCODER, None, None, 0, None, originals=str(folder))
    with pytest.raises(SettingsError, match=r"a\.png\.png is what is read"):
        go(tmp_path / "out", order, out=folder, force=True)
    assert not asked and files(folder) == before


def test_the_folder_itself_cannot_take_the_results(folder):
    with pytest.raises(SettingsError, match="choose another one"):
        go(folder, out=folder)


def test_a_file_cannot_take_the_results(folder, tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(SettingsError, match="cannot be made a folder"):
        go(folder)


def test_a_bitrate_out_of_range_is_refused_once(folder, asked):
    with pytest.raises(SettingsError, match="bitrate"):
        go(folder, Compression(SystemName.STANDARD, bpp=9.0))
    assert not asked


def test_a_map_for_the_ultra_low_codec_is_refused_once(folder, asked):
    with pytest.raises(SettingsError, match="takes no quality map"):
        go(folder, Compression(SystemName.ULTRALOW, QualityMapKind.ADAPTIVE, bpp=0.02))
    assert not asked


def test_names_that_are_not_text_keep_their_bytes(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    name = os.fsdecode(b"f\xfcr.png")
    synthetic_picture(40, 40).save(folder / name)
    summary, _ = go(folder)
    assert summary.made == 1 and list(table(tmp_path / "out")) == [name]
    assert go(folder, resume=True)[0].skipped == 1


def test_a_name_too_long_for_its_result_costs_one_file(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for length in (251, 252, 255):
        synthetic_picture(40, 40).save(folder / ("n" * (length - 4) + ".png"))
    summary, said = go(folder)
    assert (summary.made, summary.bad) == (1, 2) and all("File name too long" in text for text in said)
    assert len(files(tmp_path / "out")) == 1
    assert go(folder, resume=True)[0].skipped == 1


def test_links_pipes_and_folders_in_place_of_pictures_are_bad(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    summary, said = go(folder)
    assert (summary.made, summary.bad) == (0, 2) and len(said) == 2


def test_streams_become_pictures_measured_against_their_originals(folder, tmp_path, codec):
    go(folder)
    order = Decompression(Decoder.AUTOENCODER, None, None, 0, None, originals=str(folder))
    summary, _ = go(tmp_path / "out", order, out=tmp_path / "painted")
    assert (summary.made, summary.bad) == (3, 0)
    picture = np.asarray(load_image(tmp_path / "painted" / "deep" / "c.png.png"))
    stream = (tmp_path / "out" / "deep" / "c.png.bbr").read_bytes()
    assert np.array_equal(picture, codec.reconstruct(stream))
    compressed, decoded = table(tmp_path / "out"), table(tmp_path / "painted")
    line = decoded["deep/c.png.bbr"]
    assert {key: line[key] for key in ("bytes", "bpp", "psnr", "lpips")} == {
        key: compressed["deep/c.png"][key] for key in ("bytes", "bpp", "psnr", "lpips")
    }
    assert math.isfinite(float(line["psnr"]))


def test_an_incomplete_picture_is_said(folder, tmp_path):
    whole = (folder / "a.jpg").read_bytes()
    (folder / "deep" / "broken.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    summary, said = go(folder)
    assert (summary.made, summary.bad) == (4, 0)
    assert said == [f"deep/broken.jpg: {ENDS_EARLY}"]
    assert table(tmp_path / "out")["deep/broken.jpg"]["note"] == ENDS_EARLY


def test_steps_on_the_way_are_not_kept(folder, tmp_path, codec, monkeypatch):
    class Step:
        alive = 0

        def __init__(self):
            self.image = np.zeros((45, 70, 3), np.uint8)
            Step.alive += 1
            assert Step.alive <= 2

        def __del__(self):
            Step.alive -= 1

    go(folder)
    monkeypatch.setattr(codec, "decode", lambda *_: (Step() for _ in range(9)))
    summary, _ = go(tmp_path / "out", Decompression(Decoder.DIFFUSION, 9, None, 0, None), out=tmp_path / "painted")
    assert (summary.made, summary.bad) == (3, 0)


def test_another_original_is_measured_anew(folder, tmp_path, asked):
    go(folder)
    order = Decompression(Decoder.AUTOENCODER, None, None, 0, None, originals=str(folder))
    go(tmp_path / "out", order, out=tmp_path / "painted")
    synthetic_picture(70, 45, 9).save(folder / "a.png")
    asked.clear()
    go(tmp_path / "out", order, out=tmp_path / "painted", resume=True)
    assert asked == ["a.png.bbr"]


def test_a_stream_without_its_original_is_bad_where_originals_are_given(folder, tmp_path):
    go(folder)
    (folder / "a.png").unlink()
    order = Decompression(Decoder.AUTOENCODER, None, None, 0, None, originals=str(folder))
    summary, said = go(tmp_path / "out", order, out=tmp_path / "painted")
    assert (summary.made, summary.bad) == (2, 1) and "a.png" in said[0]


def test_damaged_streams_are_bad(folder, tmp_path):
    go(folder)
    stream = tmp_path / "out" / "a.png.bbr"
    stream.write_bytes(stream.read_bytes()[:-1])
    order = Decompression(Decoder.AUTOENCODER, None, None, 0, None)
    summary, said = go(tmp_path / "out", order, out=tmp_path / "painted")
    assert (summary.made, summary.bad) == (2, 1) and said[0].startswith("a.png.bbr: ")


def test_a_run_that_never_began_leaves_no_table(folder, tmp_path, monkeypatch):
    def run(make, tasks, workers, environment):
        raise SettingsError("no worker")
        yield

    monkeypatch.setattr(processes, "run", run)
    with pytest.raises(SettingsError, match="no worker"):
        go(folder)
    assert not (tmp_path / "out" / "results.csv").exists()
