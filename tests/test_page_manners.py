"""What the page promises beside its pictures: nothing in use vanishes, memory is bounded, bad values get a sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
from pipeline.cache import ByteCache
from pipeline.codec import _nbytes
from pipeline.pictures import read_picture
from pipeline.settings import DecodeSettings, DecodeStep
from pipeline.systems import Reconstruction
from pipeline.ui import files
from pipeline.ui.actions import Actions
from pipeline.ui.checks import viewable
from pipeline.ui.choosing import Choosing
from pipeline.ui.engine import PAINTING_BYTES_KEPT, Engine
from pipeline.ui.files import RunFolder
from pipeline.ui.request import Request
from pipeline.ui.sides import Side, Sides
from pipeline.ui.temporary import FileNames
from pipeline.ui.turns import Stopped, Turn, Turns
from pipeline.ui.view import report

if TYPE_CHECKING:
    from pipeline.codec import Codec
    from tests.app_fixtures import ServedApp

pytest_plugins = ["tests.app_fixtures"]
ROOT = Path(__file__).parent.parent


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


# -- memory and files ---------------------------------------------------------------------------------------------


def test_caches_hold_no_more_than_their_bytes():
    cache: ByteCache[bytes] = ByteCache(10, len)
    for key, size in (("a", 4), ("b", 4), ("a", 5)):
        cache.put(key, bytes(size))
    assert (cache.total, cache.get("b")) == (9, bytes(4))
    cache.put("c", bytes(3))
    assert (cache.get("a"), cache.total) == (None, 7)
    cache.put("d", bytes(11))
    assert (cache.get("d"), cache.total) == (None, 7)


def test_files_that_are_gone_are_forgotten_and_others_may_come_meanwhile(tmp_path: Path):
    known = FileNames()
    for name in ("kept", "gone"):
        (tmp_path / name).touch()
        known.add(str(tmp_path / name))
    (tmp_path / "gone").unlink()
    for name in known:
        known.add(name + " more")
    assert {Path(name).name for name in set.__iter__(known)} >= {"kept"}
    assert str(tmp_path / "gone") not in known


def test_the_page_remembers_its_files_so(codec: "Codec"):
    page = app.build_app(lambda: codec)
    assert len(page.temp_file_sets) > 5
    assert all(isinstance(names, FileNames) for names in page.temp_file_sets)
    assert page.upload_file_set is page.temp_file_sets[0]


def test_a_reconstruction_counts_every_tensor_in_it():
    import torch

    @dataclass(frozen=True)
    class Guided(Reconstruction):
        features: tuple

    assert _nbytes(Guided(torch.zeros(2, 3), (torch.zeros(5), Reconstruction(torch.zeros(1))))) == 4 * (6 + 5 + 1)


class LargeCodec:
    """Paints pictures of which not even one fits into the cache."""

    def decode(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        picture = np.zeros((1, PAINTING_BYTES_KEPT // 3 + 1, 3), np.uint8)
        for step in range(9):
            yield DecodeStep(step, 8, 0, picture)


def test_paintings_larger_than_the_cache_have_a_time_and_are_let_go():
    engine = Engine(LargeCodec)
    sampling = engine.paint(b"", DecodeSettings())
    assert len(list(sampling)) == 9 and sampling.seconds > 0
    assert engine.painting(b"", DecodeSettings()) is None


def test_pictures_of_the_same_bytes_and_other_size_are_others():
    encoded = []
    system = SimpleNamespace(prepare=lambda: None)
    codec = SimpleNamespace(
        system=lambda name: system, encode=lambda image, **_: encoded.append(image.size) or bytes(image.size)
    )
    engine = Engine(lambda: codec)
    streams = [engine.encode(None, Image.new("RGB", size), "ultralow", 0.02).stream for size in ((4, 8), (8, 4))]
    assert streams == [bytes((4, 8)), bytes((8, 4))]


def test_nothing_in_use_is_removed(cache_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "KEPT_BYTES", 0)
    idle, busy = RunFolder(), None
    idle_path = Path(idle.stream("a", b"a"))
    busy = RunFolder()
    busy_path = Path(busy.stream("b", b"b"))
    with busy.held():
        os.utime(busy_path.parent, (0, 0))
        RunFolder()
        assert busy_path.exists() and not idle_path.exists()
    RunFolder()
    assert not busy_path.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("megapixels", "gigabytes"), [(12, 3), (24, 4.5)])
def test_large_photos_go_through_the_page(megapixels: float, gigabytes: float):
    done = subprocess.run(
        [sys.executable, "-m", "tests.large_photo", str(megapixels), "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["methods"] == ["autoencoder", "grain", "repaint", "avif"]
    assert figures["peak_gigabytes"] <= gigabytes


# -- stop ---------------------------------------------------------------------------------------------------------


def test_turns():
    turns = Turns()
    opening = Turn(turns)
    opening()
    turns.begin()
    first = turns.take()
    first()
    turns.join()
    joined = turns.take()
    turns.stop()
    for turn in (opening, first, joined):
        with pytest.raises(Stopped):
            turn()
    assert not turns.lost
    turns.join()
    turns.stop()
    assert turns.lost
    turns.take()
    assert not turns.lost


@pytest.mark.parametrize("after", [2, 5])
def test_a_stopped_run_keeps_its_last_picture(cache_folder: Path, codec: "Codec", picture: Image.Image, after: int):
    picture.save(cache_folder / "photo.png")
    actions, sides, calls = Actions(Engine(lambda: codec)), Sides(Side.AUTOENCODER, Side.JPEG), []
    settings = DecodeSettings("flow", 9)
    run = actions.encode(Request(str(cache_folder / "photo.png"), "quality", 0.2, settings))

    def go_on() -> None:
        calls.append(None)
        if len(calls) > after:
            raise Stopped

    *_, view = actions.decode(run, sides, go_on)
    assert f"Stopped after step {run.decoding.step} of 9" in view.status and run.decoding.step == after - 2
    assert (
        run.pictures.captions[Side.REPAINT].endswith(f"step {run.decoding.step} of 9")
        and Path(run.pictures.previews[Side.REPAINT]).exists()
    )
    assert "JPEG (optimised tables), quality" in view.captions

    turns = Turns(begun=1)
    sides.right = Side.WEBP
    *_, answer = Choosing(actions.engine).complete(run, sides, turns)
    assert "Stopped" in answer[0] and "no WebP was made" in answer[2] and 'data-press=""' in answer[2]
    Choosing.show(sides, run, Turns(), "Autoencoder", "JPEG")
    _, captions = Choosing.show(sides, run, Turns(), "Autoencoder", "WebP")
    assert "WebP follows" in captions and "complete" in captions


def test_encoding_stops_between_its_attempts(codec: "Codec", picture: Image.Image):
    calls = []

    def check() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        codec.encode(picture, bpp=0.3, check=check)


# -- what programs send -------------------------------------------------------------------------------------------

USUAL = {"rate": "quality", "bpp": 0.2, "quality": 0.3, "ultralow": 0.02, "decoder": "flow", "steps": 1, "noise": 0.5}
BAD_VALUES = [
    ("rate", None, "Set the size by"),
    ("rate", 7, "Set the size by"),
    ("bpp", None, "Target bitrate"),
    ("bpp", [1], "Target bitrate"),
    ("quality", True, "Quality"),
    ("quality", "much", "Quality"),
    ("ultralow", 99, "ultra-low"),
    ("decoder", None, "Decoder"),
    ("decoder", "magic", "Decoder"),
    ("steps", None, "Sampling steps"),
    ("steps", 2.5, "Sampling steps"),
    ("steps", 1000, "Sampling steps"),
    ("noise", "nan", "Noise level"),
    ("seed", -1, "Seed"),
    ("seed", "0,3", "Seed"),
    ("seed", {}, "Seed"),
    ("quality_map", None, "Where the bits go"),
    ("quality_map", "wavy", "Where the bits go"),
]


def answer(served: "ServedApp", *data: Any, endpoint: str = "compress") -> str:
    """What a plain HTTP request gets."""
    url = f"{served.url}/gradio_api/call/{endpoint}"
    event = httpx.post(url, json={"data": data}).json()["event_id"]
    return httpx.get(f"{url}/{event}", timeout=60).text


@pytest.mark.parametrize(("field", "value", "name"), BAD_VALUES)
def test_bad_values_get_a_sentence_that_names_the_field(served: "ServedApp", field: str, value: Any, name: str):
    sent = {"photo": None, **USUAL, "seed": 0, "quality_map": "even", "mask": None} | {field: value}
    message = json.loads(answer(served, *sent.values()).split("data: ")[1])["error"]
    assert name in message and "must be" in message and message.endswith(".")


@pytest.mark.parametrize("photo", [5, "abc", [1], {"path": str(ROOT / "assets" / "screenshot.png")}])
def test_only_uploaded_files_are_photos(served: "ServedApp", photo: Any):
    assert "must be an uploaded picture" in answer(served, photo, *USUAL.values(), 0, "even", None)


@pytest.mark.parametrize("mask", [5, "abc", [1], {"path": str(ROOT / "assets" / "screenshot.png")}])
def test_only_uploaded_files_are_masks(served: "ServedApp", mask: Any):
    assert "must be an uploaded picture" in answer(served, None, *USUAL.values(), 0, "painted", mask)


def test_a_missing_photo_is_not_replaced(served: "ServedApp"):
    with pytest.raises(TypeError, match="photo"):
        Client(served.url, verbose=False).predict(steps=1, api_name="/compress")


def test_comma_decimals_are_understood(served: "ServedApp", photo: Path):
    client = Client(served.url, verbose=False)
    sent = {"rate": "quality", "quality": "0,25", "steps": "1", "noise": "0,5"}
    assert client.predict(handle_file(str(photo)), **sent, api_name="/compress")[2]["quality"] == 0.25


@pytest.mark.parametrize("name", ["a.bbr.txt", "a.bbr (1)", "stream"])
def test_streams_are_judged_by_their_content(served: "ServedApp", picture: Image.Image, tmp_path: Path, name: str):
    client, path = Client(served.url, verbose=False), tmp_path / name
    path.write_bytes(served.codec.encode(picture, quality=0.2))
    assert client.predict(handle_file(str(path)), steps=1, api_name="/decompress")[2]["width"] == picture.width
    path.write_bytes(b"words")
    with pytest.raises(AppError, match="does not begin"):
        client.predict(handle_file(str(path)), steps=1, api_name="/decompress")


def test_previews_are_the_picture(cache_folder: Path, picture: Image.Image):
    for suffix in ("tif", "ppm"):
        picture.save(cache_folder / f"my photo.{suffix}")
        shown, _ = viewable(str(cache_folder / f"my photo.{suffix}"))
        assert Path(shown).name == "my-photo.png"
        np.testing.assert_array_equal(np.asarray(Image.open(shown)), np.asarray(picture))
    for suffix in ("png", "jpg", "webp", "avif", "gif", "bmp"):
        picture.save(cache_folder / f"photo.{suffix}")
        assert viewable(str(cache_folder / f"photo.{suffix}")) == viewable(None), suffix


def test_what_is_to_be_said_about_a_photo_is_said(cache_folder: Path, codec: "Codec", picture: Image.Image):
    for suffix in ("tif", "gif"):
        picture.save(cache_folder / f"pages.{suffix}", save_all=True, append_images=[picture.rotate(180)])
    notes = {suffix: read_picture(cache_folder / f"pages.{suffix}").notes for suffix in ("tif", "gif")}
    said = viewable(str(cache_folder / "pages.tif")).viewed["status"]
    assert notes["tif"] and notes["tif"][0] in said, "its PNG has no pages"
    assert viewable(str(cache_folder / "pages.gif")) == viewable(None), "browsers show it as it is"
    engine = Engine(lambda: codec)
    run = Actions(engine).encode(Request(str(cache_folder / "pages.gif"), "quality", 0.2, DecodeSettings()))
    assert notes["gif"] and notes["gif"][0] in report(run, engine).html()


# -- where and how it starts --------------------------------------------------------------------------------------


def test_it_starts_without_what_computes_and_its_temporary_files_go_with_it(tmp_path: Path):
    (tmp_path / "gradio").write_text("belongs to somebody else")
    late = "import sys; print({'torch', 'diffusers', 'compressai', 'matplotlib', 'scipy'} & {*sys.modules})"
    script = f"import app, os; app.build_app(lambda: None); {late}; print(os.environ['GRADIO_TEMP_DIR'])"
    environment = {name: value for name, value in os.environ.items() if name != "GRADIO_TEMP_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "set()" in done.stdout, "what computes is imported after the page is there"
    folder = Path(done.stdout.split()[-1])
    assert folder.parent == tmp_path and not folder.exists()
