"""The command line on the shipped checkpoints."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from typer.testing import CliRunner

from pipeline import cli
from pipeline.cli.work import png
from pipeline.comparison.baselines import encode_plain
from pipeline.comparison.invention import invented, invention_map
from pipeline.comparison.sheet import SMALLEST
from pipeline.images import load_image
from pipeline.pictures.png import ANIMATED
from pipeline.settings import (
    DEFAULT_ALLOCATIONS,
    DEFAULT_SETTINGS,
    Allocation,
    DecodeSettings,
    DecodeStep,
    SystemName,
)
from pipeline.stream import pack, unpack

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "assets" / "examples" / "cat.png"
runner = CliRunner()


@pytest.fixture(autouse=True)
def shared_codec(monkeypatch, codec):
    """One loaded codec for all commands, and no network."""
    monkeypatch.setenv("BITBRUSH_OFFLINE", "1")
    monkeypatch.setattr("pipeline.cli.commands.load_codec", lambda *precision: codec)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    y, x = np.mgrid[:45, :70]
    planes = [np.sin(x / 9 + y / 7), np.cos(x / 11 - y / 5), np.sin((x + y) / 13)]
    return (128 + 90 * np.stack(planes, -1)).astype(np.uint8)


@pytest.fixture
def photo(tmp_path, pixels) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def stream(codec, pixels) -> bytes:
    return codec.encode(Image.fromarray(pixels), quality=0.5)


@pytest.fixture
def stream_file(tmp_path, stream) -> Path:
    path = tmp_path / "photo.bbr"
    path.write_bytes(stream)
    return path


def run(*arguments, **options):
    return runner.invoke(cli.app, [str(argument) for argument in arguments], **options)


def assert_refused(result, *words: str) -> None:
    """Exit code 1 and one line on stderr."""
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("command", ["compress", "decompress", "info", "compare"])
def test_help_has_examples(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"python -m pipeline {command} " in result.stdout


def test_round_trip_through_files(photo, tmp_path, codec, stream):
    packed, out = tmp_path / "a.bbr", tmp_path / "a.png"
    result = run("compress", photo, packed, "--map", "even")
    assert result.exit_code == 0 and f"{len(stream):,} bytes" in result.stderr
    assert packed.read_bytes() == stream
    assert run("decompress", packed, out, "--decoder", "autoencoder").exit_code == 0
    assert np.array_equal(np.asarray(load_image(out)), codec.reconstruct(stream))
    assert names(tmp_path) == {"photo.png", "a.bbr", "a.png"}


@pytest.mark.parametrize("decoder", ["diffusion", "flow"])
def test_repaint_settings_reach_the_decoder(decoder, stream_file, tmp_path, codec, stream):
    out = tmp_path / "a.png"
    shift = 2.0 if decoder == "diffusion" else None
    options = ("--decoder", decoder, "--steps", 2, "--noise", 0.25, "--seed", 7, *(("--shift", shift) if shift else ()))
    assert run("decompress", stream_file, out, *options).exit_code == 0
    *_, last = codec.decode(stream, DecodeSettings(decoder, 2, 0.25, 7, shift))
    assert np.array_equal(np.asarray(load_image(out)), last.image)


def test_what_was_invented_is_written_with_its_scale(stream_file, tmp_path, codec, stream):
    painted, drawn = tmp_path / "a.png", tmp_path / "invented.png"
    result = run("decompress", stream_file, painted, "--steps", 2, "--invented", drawn)
    assert result.exit_code == 0
    expected, top = invention_map(invented(np.asarray(load_image(painted)), codec.reconstruct(stream)))
    assert np.array_equal(np.asarray(load_image(drawn)), expected) and f"brightest from {top}" in result.stderr
    respelled = tmp_path / ".." / tmp_path.name / "b.png"
    for drawn_too in (tmp_path / "b.png", respelled):
        result = run("decompress", stream_file, tmp_path / "b.png", "--invented", drawn_too, "--force")
        assert_refused(result, "another name")
    assert_refused(run("decompress", stream_file, "-", "--invented", "/dev/stdout"), "another name")
    assert_refused(run("decompress", stream_file, tmp_path / "b.png", "--invented", drawn), "--force")
    assert_refused(run("decompress", tmp_path, tmp_path / "all", "--invented", drawn), "single stream")


def test_the_ultra_low_codec_brings_its_own_settings(photo, tmp_path, codec):
    packed, coarse, painted = tmp_path / "a.bbr", tmp_path / "coarse.png", tmp_path / "painted.png"
    assert run("compress", photo, packed, "--codec", "ultralow", "--bpp", 0.15).exit_code == 0
    stream = packed.read_bytes()
    assert run("decompress", packed, coarse, "--decoder", "coarse").exit_code == 0
    assert np.array_equal(np.asarray(load_image(coarse)), codec.reconstruct(stream))
    assert run("decompress", packed, painted).exit_code == 0
    *_, last = codec.decode(stream, DEFAULT_SETTINGS[SystemName.ULTRALOW])
    assert np.array_equal(np.asarray(load_image(painted)), last.image)
    assert_refused(run("decompress", packed, tmp_path / "b.png", "--decoder", "flow"), "choose diffusion")


def test_a_shift_is_refused_where_it_would_do_nothing(photo, stream_file, tmp_path):
    result = run("decompress", stream_file, tmp_path / "a.png", "--decoder", "flow", "--shift", 2)
    assert_refused(result, "Only diffusion", "leave it out")
    assert run("compress", photo, tmp_path / "a.bbr", "--codec", "ultralow", "--bpp", 0.15).exit_code == 0
    result = run("decompress", tmp_path / "a.bbr", tmp_path / "a.png", "--shift", 2)
    assert_refused(result, "no noise schedule", "leave the shift out")


def test_steps_and_noise_are_refused_where_nothing_is_painted(stream_file, tmp_path):
    for option, value in (("--steps", 4), ("--noise", 0.5)):
        result = run("decompress", stream_file, tmp_path / "a.png", "--decoder", "autoencoder", option, value)
        assert_refused(result, "paints nothing", "leave")


@pytest.mark.parametrize("command", [("compress", "--bpp", 0.5), ("decompress",)])
def test_a_folder_does_not_go_to_the_standard_output(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").mkdir()
    assert_refused(run(command[0], "files", "-", *command[1:]), "standard output", "name a folder")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_bpp_is_a_target_for_the_real_file(photo, tmp_path):
    packed = tmp_path / "a.bbr"
    assert run("compress", photo, packed, "--bpp", 1.0).exit_code == 0
    assert packed.stat().st_size * 8 <= 1.0 * 45 * 70


def test_a_target_below_the_smallest_stream_is_said(photo, tmp_path):
    result = run("compress", photo, tmp_path / "a.bbr", "--bpp", 0.02)
    assert result.exit_code == 0 and "smallest stream" in result.stderr


def test_round_trip_through_stdin_and_stdout(photo, codec, stream):
    environment = {**os.environ, "BITBRUSH_OFFLINE": "1"}

    def piped(command: str, content: bytes, *options: str) -> bytes:
        line = [sys.executable, "-m", "pipeline", command, "-", "-", *options]
        return subprocess.run(line, input=content, capture_output=True, check=True, cwd=ROOT, env=environment).stdout

    packed = piped("compress", photo.read_bytes(), "--map", "even")
    assert packed == stream
    decoded = piped("decompress", packed, "--decoder", "autoencoder")
    assert np.array_equal(np.asarray(load_image(decoded)), codec.reconstruct(stream))


def test_info_for_people_and_programs(stream_file, stream):
    facts = json.loads(run("info", stream_file, "--json").stdout)
    assert (facts["width"], facts["height"], facts["bytes"]) == (70, 45, len(stream))
    assert facts["bpp"] == pytest.approx(8 * len(stream) / (70 * 45)) and facts["quality"] == 0.5
    text = run("info", "-", input=stream).stdout
    assert facts["model_hash"] in text and f"{facts['bpp']:.4f}" in text


def test_compare_puts_every_method_on_one_sheet(photo, tmp_path):
    out = tmp_path / "sheet.png"
    result = run("compare", photo, out, "--steps", 1, "--quality", 0.6)
    assert result.exit_code == 0
    for method in ("Autoencoder", "Grain", "Diffusion", "flow", "JPEG", "WebP", "AVIF", "JPEG XL"):
        assert method in result.stdout
    assert min(load_image(out).size) > SMALLEST / 2


def test_compare_shows_why_a_method_cannot_take_a_panorama(photo, tmp_path, monkeypatch):
    def as_if_wide(image, codec, size):
        return encode_plain(Image.new("RGB", (16_384, 1)) if codec == "webp" else image, codec, size)

    monkeypatch.setattr("pipeline.comparison.subject.encode_plain", as_if_wide)
    result = run("compare", photo, tmp_path / "sheet.png", "--steps", 1)
    assert result.exit_code == 0 and "AVIF" in result.stdout
    assert "WebP cannot hold a picture of 16384 × 1 pixels" in result.stderr
    assert load_image(tmp_path / "sheet.png").width > 2 * SMALLEST


@pytest.mark.parametrize("command", ["compress", "decompress", "compare"])
def test_existing_files_are_kept_without_force(command, photo, stream_file, tmp_path):
    out = tmp_path / "taken.png"
    out.write_bytes(b"precious")
    source = stream_file if command == "decompress" else photo
    assert_refused(run(command, source, out), "--force")
    assert out.read_bytes() == b"precious"


@pytest.mark.parametrize("command", ["compress", "decompress", "compare"])
def test_what_is_read_is_never_replaced(command, photo):
    before = photo.read_bytes()
    assert_refused(run(command, photo, photo, "--force"), "what is read")
    assert photo.read_bytes() == before


@pytest.mark.parametrize("command", ["compress", "compare"])
def test_a_mask_is_never_replaced(command, photo, tmp_path):
    mask, link = tmp_path / "mask.png", tmp_path / "link.png"
    Image.new("L", (70, 45), 255).save(mask)
    link.symlink_to(mask)
    before = mask.read_bytes()
    for out in (mask, link):
        assert_refused(run(command, photo, out, "--map", mask, "--force"), "what is read")
    assert mask.read_bytes() == before


@pytest.mark.parametrize("command", ["compress", "compare"])
@pytest.mark.parametrize("mask", ["-", "/dev/stdin"])
def test_picture_and_mask_cannot_be_one_pipe(command, mask, photo, tmp_path):
    result = run(command, "-", tmp_path / "out.png", "--map", mask, input=photo.read_bytes())
    assert_refused(result, "cannot both come from")


def test_force_replaces(photo, tmp_path, stream):
    out = tmp_path / "a.bbr"
    out.write_bytes(b"old")
    assert run("compress", photo, out, "--force", "--map", "even").exit_code == 0
    assert out.read_bytes() == stream


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty"])
@pytest.mark.parametrize("command", ["decompress", "info"])
def test_damaged_streams_leave_no_file(command, damage, stream, tmp_path):
    broken = tmp_path / "broken.bbr"
    flipped = stream[:-1] + bytes([stream[-1] ^ 4])
    broken.write_bytes({"cut": stream[:-3], "flipped": flipped, "foreign": b"GIF89a", "empty": b""}[damage])
    outputs = [tmp_path / "out.png"] if command == "decompress" else []
    assert_refused(run(command, broken, *outputs))
    assert names(tmp_path) == {"broken.bbr"}


def test_files_that_are_no_pictures(tmp_path):
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    assert_refused(run("compress", text, tmp_path / "a.bbr"), "not a picture")
    assert_refused(run("compress", tmp_path / "missing.png", tmp_path / "a.bbr"))
    assert_refused(run("info", tmp_path / "missing.bbr"), "missing.bbr")
    assert names(tmp_path) == {"text.png"}


def test_what_a_picture_leaves_out_is_said(tmp_path: Path, pixels: np.ndarray) -> None:
    animated = tmp_path / "animated.gif"
    first = Image.fromarray(pixels)
    first.save(animated, save_all=True, append_images=[first.rotate(180)])
    result = run("compress", animated, tmp_path / "out.bbr")
    assert result.exit_code == 0
    assert ANIMATED in result.stderr


def test_outputs_that_cannot_be(photo, stream_file, tmp_path):
    assert_refused(run("decompress", stream_file, tmp_path / "a.jpg"), ".png")
    assert_refused(run("compress", photo, tmp_path / "nowhere" / "a.bbr"), "create it")
    assert_refused(run("compress", photo, tmp_path), "is a folder")


@pytest.mark.parametrize(
    "options",
    [
        ("compress", "a", "b", "--quality", "1.5"),
        ("compress", "a", "b", "--quality", "high"),
        ("compress", "a", "b", "--quality", "nan"),
        ("compress", "a", "b", "--bpp", "-1"),
        ("compress", "a", "b", "--bpp", "nan"),
        ("compress", "a", "b", "--quality", "0.5", "--bpp", "0.2"),
        ("compress", "a"),
        ("decompress", "a", "b.png", "--steps", "0"),
        ("decompress", "a", "b.png", "--noise", "2"),
        ("decompress", "a", "b.png", "--seed", "-1"),
        ("decompress", "a", "b.png", "--decoder", "magic"),
        ("explode",),
    ],
)
def test_wrong_usage_exits_with_2(options):
    assert run(*options).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "", "out"),
        ("compress", ".", ""),
        ("compress", ".", "out", "--csv", ""),
        ("compress", ".", "out", "--csv="),
        ("compress", "photo.png", "a.bbr", "--map", ""),
        ("decompress", "", "out.png"),
        ("decompress", "photo.bbr", ""),
        ("decompress", ".", "out", "--originals="),
        ("decompress", "photo.bbr", "out.png", "--invented", ""),
        ("info", ""),
        ("compare", "", "sheet.png"),
        ("compare", "photo.png", "", "--force"),
        ("train", "autoencoder", "--data", "", "--out", "run"),
        ("evaluate", "quality", "--data="),
    ],
)
def test_an_empty_name_is_not_the_current_folder(arguments, photo, stream_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2 and "An argument is empty" in result.stderr
    assert names(tmp_path) == {"photo.png", "photo.bbr"}


def test_an_interrupted_decode_leaves_no_file(stream_file, tmp_path, monkeypatch, codec):
    def interrupted(stream, settings):
        yield DecodeStep(0, 2, 1.0, codec.reconstruct(stream))
        raise KeyboardInterrupt

    monkeypatch.setattr(codec, "decode", interrupted)
    assert run("decompress", stream_file, tmp_path / "a.png").exit_code != 0
    assert names(tmp_path) == {"photo.bbr"}


def test_an_interrupted_write_leaves_no_file(photo, tmp_path, monkeypatch):
    def interrupted(source, destination):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    assert run("compress", photo, tmp_path / "a.bbr").exit_code != 0
    assert names(tmp_path) == {"photo.png"}


def test_nothing_of_a_photos_metadata_is_written(tmp_path, pixels):
    photo, packed = tmp_path / "photo.jpg", tmp_path / "a.bbr"
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = "secret place"
    exif[ExifTags.Base.Artist] = "secret name"
    Image.fromarray(pixels).save(photo, exif=exif, comment=b"secret word")
    assert photo.read_bytes().count(b"secret") == 3
    assert run("compress", photo, packed).exit_code == 0
    assert run("decompress", packed, tmp_path / "a.png", "--decoder", "autoencoder").exit_code == 0
    assert run("compare", photo, tmp_path / "sheet.png", "--steps", 1).exit_code == 0
    for written in (packed, tmp_path / "a.png", tmp_path / "sheet.png"):
        assert b"secret" not in written.read_bytes()
    for written in (tmp_path / "a.png", tmp_path / "sheet.png"):
        with Image.open(written) as image:
            image.load()
            assert not image.info and not image.getexif()


def test_png_bytes_are_lossless(pixels):
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)


def test_a_mask_is_read_like_a_picture(photo: Path, tmp_path: Path) -> None:
    even, painted, mask = tmp_path / "even.bbr", tmp_path / "painted.bbr", tmp_path / "mask.png"
    with Image.open(photo) as image:
        drawn = Image.new("L", image.size)
        drawn.paste(255, (0, 0, image.width // 2, image.height))
    drawn.save(mask)
    assert run("compress", photo, even, "--quality", "0.4", "--map", "even").exit_code == 0
    assert run("compress", photo, painted, "--quality", "0.4", "--map", mask).exit_code == 0
    assert painted.stat().st_size > even.stat().st_size
    drawn.paste(255, (0, 0, *drawn.size))
    drawn.save(mask)
    nothing = run("compress", photo, painted, "--quality", "0.4", "--map", mask, "--force")
    assert nothing.exit_code == 0 and "The mask changed nothing" in nothing.stderr
    assert painted.read_bytes() == even.read_bytes()
    refused = run("compress", photo, painted, "--map", tmp_path / "none.png", "--force")
    assert_refused(refused, "cannot be read")


def test_the_codec_has_a_map_of_its_own(codec, tmp_path):
    image, packed = load_image(EXAMPLE), tmp_path / "a.bbr"
    for options, name in ((), SystemName.STANDARD), (("--codec", "ultralow"), SystemName.ULTRALOW):
        assert run("compress", EXAMPLE, packed, "--quality", "0.3", "--force", *options).exit_code == 0
        allocation = DEFAULT_ALLOCATIONS[name]
        assert packed.read_bytes() == codec.encode(image, quality=0.3, codec=name, allocation=allocation)


def test_info_says_which_map_a_stream_has(codec, tmp_path):
    packed = tmp_path / "a.bbr"
    assert run("compress", EXAMPLE, packed, "--quality", "0.6", "--map", "adaptive").exit_code == 0
    facts = json.loads(run("info", packed, "--json").stdout)
    assert facts["map"].startswith("uneven, levels -") and 0 < facts["map_share"] <= 0.02
    assert "map share" in run("info", packed).stdout
    packed.write_bytes(codec.encode(load_image(EXAMPLE), quality=0.3))
    facts = json.loads(run("info", packed, "--json").stdout)
    assert (facts["map"], facts["map_share"]) == ("even", 0.0)


def test_info_says_when_a_map_cannot_be_read(codec, tmp_path):
    header, payload = unpack(codec.encode(load_image(EXAMPLE), quality=0.3, allocation=Allocation("adaptive")))
    foreign = pack(header.model_name, "00000000", header.width, header.height, header.quality_code, 0, payload)
    text = run("info", "-", input=foreign).stdout
    assert "cannot be read with these weights" in text and "map share" not in text


def test_without_docstrings_the_networks_are_imported():
    subprocess.run([sys.executable, "-OO", "-c", "import pipeline.score"], check=True, cwd=ROOT)


def test_folder_options_are_refused_for_a_single_file(photo, tmp_path):
    assert_refused(run("compress", photo, tmp_path / "a.bbr", "--resume"), "--resume is for folders")


def test_a_map_is_refused_for_a_folder(photo, tmp_path):
    assert_refused(run("compress", photo.parent, tmp_path / "out", "--map", photo), "A mask is for a single picture")


def test_a_folder_ends_with_exit_code_1_where_a_file_is_bad(photo, tmp_path, monkeypatch):
    from pipeline import batch

    def made(order, given, report):
        report("x.png: It is damaged.")
        return batch.Summary(2, 1, 1, tmp_path / "results.csv")

    monkeypatch.setattr(batch, "run", made)
    result = run("compress", tmp_path, tmp_path / "out", "--bpp", 0.25)
    assert result.exit_code == 1
    assert "Error: x.png: It is damaged." in result.stderr and "2 made, 1 there already, 1 bad" in result.stderr
