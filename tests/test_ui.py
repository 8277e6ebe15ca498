"""What stands beside what, what is remembered, links, maps and plots; without a server."""

import errno
import mimetypes
import os
import pickle
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

import app
from pipeline.codec import Codec
from pipeline.comparison.baselines import PlainResult, encode_plain
from pipeline.comparison.differences import error_map
from pipeline.comparison.invention import invented, invention_map, seed_spread
from pipeline.comparison.overlay import map_overlay
from pipeline.errors import ImageError, SettingsError, StreamError
from pipeline.evaluation.results import load_results
from pipeline.pictures import PICTURE_SUFFIXES
from pipeline.settings import DEFAULT_SETTINGS, EVEN, Allocation, Decoder, DecodeSettings, SystemName
from pipeline.stream import QUALITY_STEPS
from pipeline.ui import checks, methods, plots, updates, view, zerogpu
from pipeline.ui.actions import Actions
from pipeline.ui.answers import KEEP, Pair
from pipeline.ui.choices import EXAMPLES, FLOW_STEPS, LINKED_MAPS, PRESETS, RANGES, Link
from pipeline.ui.choosing import Choosing
from pipeline.ui.engine import Engine, film_steps
from pipeline.ui.extras import Extras
from pipeline.ui.files import RunFolder
from pipeline.ui.invention import INVENTED
from pipeline.ui.opening import remembered
from pipeline.ui.pictures import region
from pipeline.ui.request import Request, mask_of
from pipeline.ui.run import Run
from pipeline.ui.sheets import grid_html
from pipeline.ui.sides import Side, Sides
from pipeline.ui.turns import Stopped, Turns

SETTINGS = DecodeSettings(num_inference_steps=2, seed=5)
WEB_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/x-ms-bmp"}
"""What browsers know by themselves."""


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def actions(codec: Codec) -> Actions:
    return Actions(Engine(lambda: codec))


@pytest.fixture(scope="module")
def small_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "small.png"
    with Image.open(EXAMPLES["coffee"]) as image:
        image.convert("RGB").crop((200, 100, 328, 196)).save(path)
    return path


@pytest.fixture(scope="module")
def run(actions: Actions, small_photo: Path) -> Run:
    """A finished run of 128 × 96 pixels."""
    run = actions.encode(Request(str(small_photo), "quality", 0.3, SETTINGS))
    for _ in actions.decode(run, Sides()):
        pass
    return run


def read(path: str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_missing_pictures_are_made_once_and_are_what_they_are_called(actions: Actions, run: Run, codec: Codec):
    sides = Sides(Side.JPEG, Side.OTHER)
    (left, right), captions = Choosing.show(sides, run, Turns(), Side.JPEG, Side.OTHER)
    assert (
        left == right == run.pictures.files[Side.AUTOENCODER] and "JPEG follows" in captions and "complete" in captions
    )
    *_, answer = Choosing(actions.engine).complete(run, sides, Turns())
    (left, right), captions = view.pair(run, sides)
    plain = encode_plain(Image.fromarray(run.pictures.read(Side.ORIGINAL)), "jpeg", len(run.stream))
    np.testing.assert_array_equal(read(left), plain.image)
    *_, last = codec.decode(run.stream, DecodeSettings(Decoder.FLOW, FLOW_STEPS, SETTINGS.noise_level, SETTINGS.seed))
    np.testing.assert_array_equal(read(right), last.image)
    assert (
        "JPEG (optimised tables), quality" in captions
        and f"Rectified flow, {FLOW_STEPS} steps" in captions
        and "complete" not in captions
    )
    assert list(answer[-1]["methods"]) == ["autoencoder", "grain", "repaint", "other decoder", "jpeg", "avif"]
    assert view.missing(run, sides) == []

    sides = Sides(Side.SAMPLE, Side.REPAINT)
    for _ in Choosing(actions.engine).complete(run, sides, Turns()):
        pass
    *_, last = codec.decode(run.stream, DecodeSettings(num_inference_steps=2, seed=6))
    np.testing.assert_array_equal(read(view.pair(run, sides)[0][0]), last.image)


def test_a_method_that_cannot_take_the_photo_says_why(
    actions: Actions, small_photo: Path, monkeypatch: pytest.MonkeyPatch
):
    engine, plain = actions.engine, actions.engine.plain

    def choosy(image: Image.Image, codec: str, max_bytes: int) -> PlainResult:
        if codec == "webp":
            raise ImageError("WebP cannot hold a picture of this size; crop the picture to compare with it.")
        return plain(image, codec, max_bytes)

    monkeypatch.setattr(engine, "plain", choosy)
    controls = (str(small_photo), "quality", 0.2, 0.3, 0.02, "flow", 1, 0.4, 5, "even")
    *_, answer = Extras(actions).compare(*controls, None, Turns())
    assert "but 1," in answer.status and "WebP cannot hold" in answer.grid and Path(answer.sheet).exists()
    assert "webp" not in answer.comparison["methods"] and "avif" in answer.comparison["methods"]

    run = actions.encode(Request(str(small_photo), "quality", 0.3, SETTINGS))
    for _ in actions.decode(run, Sides()):
        pass
    *_, answer = Choosing(engine).complete(run, Sides(Side.WEBP, Side.JPEG), Turns())
    assert "WebP cannot hold" in answer.status and "Added JPEG" in answer.status
    assert "Autoencoder (WebP cannot hold" in answer.captions and 'data-press=""' in answer.captions


def test_the_first_view_is_avif_in_as_many_bytes_beside_the_painting(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "bpp", 0.4, SETTINGS))
    shown = [seen for seen in actions.decode(run, Sides()) if isinstance(seen.pictures, tuple)]
    size = len(run.stream)
    avif = encode_plain(Image.fromarray(run.pictures.read(Side.ORIGINAL)), "avif", size)
    assert len(avif.data) <= size
    for seen in shown:
        np.testing.assert_array_equal(read(seen.pictures[0]), avif.image)
        assert f"AVIF (speed 6, tune iq), quality {avif.quality}, {len(avif.data):,} bytes" in seen.captions
    np.testing.assert_array_equal(read(shown[-1].pictures[1]), run.pictures.read(Side.REPAINT))
    assert f"{SETTINGS.in_words()}, {size:,} bytes" in shown[-1].captions and 'data-press=""' in shown[-1].captions
    assert list(shown[-1].numbers["methods"]) == ["autoencoder", "grain", "repaint", "avif"]


def test_a_stream_alone_has_no_avif(actions: Actions, run: Run):
    opened = Run(run.stream, SETTINGS, "stream")
    *_, last = actions.decode(opened, Sides())
    assert "Autoencoder (a stream comes without its original)" in last.captions


def test_large_pictures_are_previews_of_one_size_while_they_are_painted(
    monkeypatch: pytest.MonkeyPatch, actions: Actions, small_photo: Path
):
    for module in "run", "files":
        monkeypatch.setattr(f"pipeline.ui.{module}.PREVIEW_PIXELS", 5000)
    run = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=95)))
    pairs = [seen.pictures for seen in actions.decode(run, Sides()) if isinstance(seen.pictures, tuple)]
    sizes = [{read(path).shape for path in pair} for pair in pairs]
    assert all(len(each) == 1 for each in sizes) and sizes[0] != sizes[-1]


def test_after_a_stop_large_pictures_are_whole(
    monkeypatch: pytest.MonkeyPatch, actions: Actions, small_photo: Path, run: Run
):
    for module in "run", "files":
        monkeypatch.setattr(f"pipeline.ui.{module}.PREVIEW_PIXELS", 5000)
    stopped = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=97)))

    def stop() -> None:
        if Side.AUTOENCODER in stopped.pictures:
            raise Stopped

    *_, last = actions.decode(stopped, Sides(Side.ORIGINAL, Side.AUTOENCODER), stop)
    assert [read(path).shape for path in last.pictures] == [(96, 128, 3)] * 2 and 'data-size="128,96"' in last.captions
    _, captions = view.pair(stopped, Sides(Side.AUTOENCODER, Side.ERROR))
    assert "Absolute error of Autoencoder" in captions


def test_a_stop_in_the_last_step_loses_nothing(actions: Actions, small_photo: Path):
    settings = DecodeSettings(num_inference_steps=1, seed=96)
    run = actions.encode(Request(str(small_photo), "quality", 0.3, settings))

    def stop() -> None:
        if run.decoding.step == 1:
            raise Stopped

    *_, last = actions.decode(run, Sides(), stop)
    assert run.finished and "the picture is complete" in last.status and last.picture_file
    assert actions.engine.painting(run.stream, settings) is not None


def test_a_stop_is_heard_while_others_compress(codec: Codec, run: Run):
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        deque(methods.make(Engine(lambda: codec), run, Side.ULTRALOW, stop), maxlen=0)
    assert Side.ULTRALOW not in run.pictures


def test_parts_of_pictures_are_cut_once(actions: Actions, run: Run, monkeypatch: pytest.MonkeyPatch):
    grid = grid_html(run, None)
    monkeypatch.setattr(run.pictures, "read", None)
    assert grid_html(run, None) == grid


def test_error_map_is_that_of_the_picture_beside_it(run: Run):
    original = run.pictures.read(Side.ORIGINAL)
    for opposite, behind in (
        (Side.AUTOENCODER, Side.AUTOENCODER),
        (Side.REPAINT, Side.REPAINT),
        (Side.ORIGINAL, Side.REPAINT),
    ):
        (_, right), captions = view.pair(run, Sides(opposite, Side.ERROR))
        np.testing.assert_array_equal(read(right), error_map(original, run.pictures.read(behind)))
        assert f"Absolute error of {run.pictures.captions[behind]}" in captions and "32 of 255" in captions


def test_the_map_of_the_stream_lies_over_both_pictures(actions: Actions, codec: Codec):
    allocation = Allocation("adaptive")
    run = actions.encode(Request(str(EXAMPLES["cat"]), "quality", 0.3, SETTINGS, allocation))
    for _ in actions.decode(run, Sides()):
        pass
    files, plain = Choosing.show(Sides(), run, Turns(), Side.ORIGINAL, Side.REPAINT)
    assert "legend" not in plain
    overlaid, captions = Choosing.show(Sides(), run, Turns(), Side.ORIGINAL, Side.REPAINT, overlay=True)
    qualities = codec.quality_map(run.stream).codes[0, 0].numpy() / QUALITY_STEPS
    for before, after in zip(files, overlaid, strict=True):
        expected = map_overlay(read(before), qualities, run.header.width, run.header.height)
        np.testing.assert_array_equal(read(after), expected)
    assert f"quality {qualities.min():.2f} to {qualities.max():.2f}" in captions

    opened = Run(run.stream, SETTINGS, "stream")
    for _ in actions.decode(opened, Sides()):
        pass
    np.testing.assert_array_equal(opened.qualities, qualities)


def test_an_even_map_is_said_in_place_of_an_overlay(run: Run):
    files, _ = Choosing.show(Sides(), run, Turns(), Side.ORIGINAL, Side.REPAINT)
    overlaid, captions = Choosing.show(Sides(), run, Turns(), Side.ORIGINAL, Side.REPAINT, overlay=True)
    assert files == overlaid and "even map: quality 0.30 everywhere" in captions


def test_maps_are_streams_of_their_own(codec: Codec):
    engine, image = Engine(lambda: codec), Image.open(EXAMPLES["cat"]).convert("RGB")
    masks = [Image.new("L", image.size) for _ in range(2)]
    for left, mask in zip((0, 200), masks, strict=True):
        mask.paste(255, (left, 0, left + 200, 300))
    allocations = [EVEN, Allocation("adaptive"), *(Allocation("painted", mask) for mask in masks)]
    streams = [engine.encode(b"cat", image, "quality", 0.2, allocation=each).stream for each in allocations]
    assert len(set(streams)) == 4
    again = Allocation("painted", masks[0].copy())
    assert engine.encoded(b"cat", "quality", 0.2, again).stream == streams[2]


def test_samples_of_one_stream(actions: Actions, run: Run, codec: Codec):
    *_, (status, html) = Extras(actions).sample(3, run, Turns())
    assert "3 samples" in status and "invented" in html
    pictures = [
        list(codec.decode(run.stream, DecodeSettings(num_inference_steps=2, seed=5 + n)))[-1].image for n in range(3)
    ]
    parts = Path(run.pictures.files[Side.REPAINT]).parent / "parts"
    np.testing.assert_array_equal(read(parts / "spread-3.png"), invention_map(seed_spread(pictures))[0])
    crop = region(*pictures[:2]).crop(pictures[2])
    np.testing.assert_array_equal(read(parts / "sample-seed-7.png"), crop)


@pytest.mark.parametrize("name", ["crop", "sample", "spread", "film", "step", "parts"])
def test_no_name_of_a_photo_meets_what_is_made_of_it(actions: Actions, small_photo: Path, tmp_path: Path, name: str):
    photo = shutil.copy(small_photo, tmp_path / f"{name}.png")
    run = actions.encode(Request(str(photo), "quality", 0.3, SETTINGS))
    deque(actions.decode(run, Sides()), maxlen=0)
    pictures = {each: run.pictures.read(each) for each in run.pictures.files}
    deque(Extras(actions).sample(2, run, Turns()), maxlen=0)
    grid_html(run, None)
    for each, picture in pictures.items():
        np.testing.assert_array_equal(run.pictures.read(each), picture)


def test_every_method_of_a_photo_whose_own_stream_was_decoded(actions: Actions, small_photo: Path, run: Run):
    of_stream = Run(run.stream, SETTINGS, "stream")
    deque(actions.decode(of_stream, Sides()), maxlen=0)
    controls = str(small_photo), "quality", 0.2, 0.3, 0.02, "diffusion", 2, SETTINGS.noise_level, SETTINGS.seed, "even"
    *_, last = Extras(actions).compare(*controls, of_stream, Turns())
    assert last.comparison is not None and last.sheet is not None


def test_stop_begins_no_other_painting(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=99)))

    def stop() -> None:
        if Side.AUTOENCODER in run.pictures:
            raise Stopped

    *_, last = actions.decode(run, Sides(Side.SAMPLE, Side.OTHER), stop)
    assert run.decoding.ended and not run.finished
    assert "Stopped after step" in last.status and "complete" not in last.captions


def test_a_run_that_ends_before_its_first_picture_leaves_what_is_on_the_screen(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=98)))

    def stop() -> None:
        raise Stopped

    for seen in actions.decode(run, Sides(), stop):
        kept = seen.pictures, seen.captions, seen.report, seen.numbers, seen.stream_file, seen.picture_file, seen.run
        assert kept == (KEEP,) * len(kept)
    assert "before the first picture" in seen.status


def test_a_failure_after_the_files_are_gone_frees_the_buttons(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "quality", 0.3, SETTINGS))
    deque(actions.decode(run, Sides()), maxlen=0)
    shutil.rmtree(Path(run.pictures.files[Side.REPAINT]).parent)
    failed = updates.failed(run, Sides(Side.ERROR, Side.ORIGINAL))
    assert failed.run_button["interactive"] and failed.pictures == KEEP and "no longer kept" in failed.captions
    gone = Choosing.show(Sides(), run, Turns(1, 1), "Original", "JPEG")
    assert gone.pictures == KEEP and "no longer kept" in gone.captions


def test_a_new_run_draws_an_empty_seed_and_leaves_a_typed_one():
    sides = Sides(), "AVIF", "Repaint", False
    assert updates.begun(Turns(), 7, *sides).seed == KEEP
    first, second = (updates.begun(Turns(), None, *sides) for _ in range(2))
    assert first.seed != second.seed and (first.grid, first.comparison, first.plot) == ("", None, "")


def test_a_new_run_takes_over_the_sides_that_the_page_shows():
    for begin in (partial(updates.begun, Turns(), 7), partial(updates.joined, Turns())):
        begin(sides := Sides(), "Original", "Grain", True)
        assert sides == Sides(Side.ORIGINAL, Side.GRAIN, True)


def test_sides_without_a_result_are_said():
    assert Choosing.show(Sides(), None, Turns(opening=True), "Original", "Grain") == Pair()
    for turns in (Turns(1, 1), Turns()):
        assert "press Run" in Choosing.show(Sides(), None, turns, "Original", "Grain").captions


def test_what_was_stopped_begins_again_by_choice_alone(run: Run):
    sides = Sides(Side.REPAINT, Side.WEBP)
    run.declined.add(Side.WEBP)
    Choosing.show(sides, run, Turns(), Side.REPAINT, Side.WEBP, overlay=True)
    assert run.declined == {Side.WEBP}
    Choosing.show(sides, run, Turns(), Side.WEBP, Side.REPAINT)
    assert run.declined == set()


def test_what_is_stopped_while_it_waits_is_not_promised_any_more(run: Run):
    turns, sides = Turns(), Sides(Side.REPAINT, Side.JXL)
    turns.begin()
    turns.take()
    turns.join()
    turns.stop()
    ended = updates.ended(turns, run, sides)
    assert "before it began" in ended.status and "follows" not in ended.captions
    assert run.declined == {Side.JXL} and ended.run_button["interactive"]
    run.declined.clear()


def test_scores_that_a_stop_left_out_are_made_up_for(actions: Actions, run: Run):
    deque(Choosing(actions.engine).complete(run, Sides(Side.JPEG, Side.AVIF), Turns()), maxlen=0)
    del run.pictures.scores[Side.AUTOENCODER], run.pictures.scores[Side.AVIF]
    *_, answer = Choosing(actions.engine).complete(run, Sides(Side.WEBP, Side.REPAINT), Turns())
    assert {"autoencoder", "avif", "webp"} <= set(answer.numbers["methods"])


def test_a_result_that_is_gone_is_said_before_any_work(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "quality", 0.3, SETTINGS))
    deque(actions.decode(run, Sides()), maxlen=0)
    shutil.rmtree(Path(run.pictures.files[Side.REPAINT]).parent)
    with pytest.raises(gr.Error, match="no longer kept"):
        next(Extras(actions).sample(2, run, Turns()))
    assert "run a photo" in plots.draw(plots.RATE_PSNR, False, False, None)
    assert "picture on the screen" in plots.draw(plots.RATE_PSNR, False, False, run)


def test_buttons_stay_busy_while_another_run_is_on_its_way(run: Run):
    turns = Turns()
    turns.begin()
    turns.take()
    turns.join()
    assert updates.ended(turns, run, Sides()).stop_button["interactive"]
    turns.take()
    ended = updates.ended(turns, run, Sides())
    assert ended.run_button["interactive"] and ended.picture_file["interactive"]


def test_a_photo_in_use_stays_and_one_that_is_gone_is_said(small_photo: Path, tmp_path: Path):
    photo = tmp_path / "photo.png"
    shutil.copy(small_photo, photo)
    os.utime(photo, (0, 0))
    checks.check_photo(str(photo))
    assert photo.stat().st_mtime > 1e9
    photo.unlink()
    with pytest.raises(gr.Error, match="choose it again"):
        checks.check_photo(str(photo))


def test_the_folder_of_a_converted_photo_in_use_stays(small_photo: Path):
    photo = RunFolder().picture("photo", read(str(small_photo)))
    os.utime(Path(photo).parent, (0, 0))
    checks.check_photo(photo)
    assert Path(photo).parent.stat().st_mtime > 1e9


def test_a_plot_that_nobody_sees_is_not_drawn():
    assert plots.draw(plots.RATE_LPIPS, None, False, None) == KEEP


def test_what_was_invented_stands_beside_what_was_sent(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=94)))
    *painting, last = [seen for seen in actions.decode(run, Sides()) if seen.run is run]
    assert painting[0].invention == "" and all(seen.samples == "" for seen in painting), "those of another run go"
    levels = invented(run.pictures.read(Side.REPAINT), run.pictures.read(Side.AUTOENCODER))
    drawn, top = invention_map(levels)
    np.testing.assert_array_equal(run.pictures.read(INVENTED), drawn)
    assert run.pictures.files[Side.AUTOENCODER] in last.invention and run.pictures.files[INVENTED] in last.invention
    assert f"{len(run.stream):,} bytes, {run.header.bpp:.3f} bits per pixel" in last.invention
    assert f"brightest from {top} of 255" in last.invention and f"average {levels.mean():.1f}" in last.invention


def test_a_finished_view_is_remembered(actions: Actions, monkeypatch: pytest.MonkeyPatch):
    link = Link.from_query({"example": "cat", "bpp": "0.06", "steps": "1", "decoder": "flow", "left": Side.ORIGINAL})
    assert remembered(actions, link) is None
    first = actions.encode(Request.of_link(link))
    *_, last = actions.decode(first, link.sides)
    monkeypatch.setattr(Codec, "decode", None)
    again = remembered(actions, link)
    assert again.numbers == last.numbers
    np.testing.assert_array_equal(read(again.picture_file), read(last.picture_file))
    assert again.pictures[0].endswith("cat-original.png") and "bpp=0.06" in again.captions


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"steps": "-1"},
        {"bpp": "nan"},
        {"decoder": "x"},
        {"example": "../x", "left": "<b>"},
        {"seed": "9" * 40},
        {"map": "painted"},
    ],
)
def test_every_link_opens(query: dict[str, str]):
    assert Link.from_query(query) == Link()


def opened_again(link: Link) -> Link:
    return Link.from_query(dict(part.split("=") for part in link.query()[1:].split("&")))


def test_links_say_what_they_open():
    settings = DecodeSettings(Decoder.FLOW, 3, 0.25, 9)
    for rate, value, decoder in (("bpp", 0.31, "flow"), ("quality", 0.0, "flow"), ("ultralow", 0.012, "diffusion")):
        link = Link("temple", rate, value, replace(settings, decoder=decoder))
        assert opened_again(link) == link
    for kind in LINKED_MAPS:
        assert opened_again(Link(quality_map=kind)) == Link(quality_map=kind)
    assert [preset.name for preset in PRESETS if preset.matches(Link())] == ["Balanced"]


def test_another_rate_control_changes_only_what_its_codec_lacks():
    ultralow = DEFAULT_SETTINGS[SystemName.ULTRALOW]
    own = ("diffusion", ultralow.num_inference_steps, gr.skip())
    assert updates.codec_settings("ultralow", "flow", FLOW_STEPS) == own
    assert updates.codec_settings("ultralow", "flow", 7) == ("diffusion", gr.skip(), gr.skip())
    for rate in RANGES:
        assert updates.codec_settings(rate, "diffusion", 10) == (gr.skip(),) * 3
    assert updates.codec_settings("quality", "flow", FLOW_STEPS) == (gr.skip(),) * 3
    assert Link.from_query({"ultralow": "0.01", "decoder": "flow"}).settings == ultralow
    assert Link.from_query({"ultralow": "0.01"}).settings == ultralow
    assert Link.from_query({"ultralow": "9"}).value == RANGES["ultralow"][1]


def test_an_ultra_low_run_has_a_coarse_picture_and_one_decoder(actions: Actions, small_photo: Path, codec: Codec):
    settings = replace(DEFAULT_SETTINGS[SystemName.ULTRALOW], num_inference_steps=1)
    run = actions.encode(Request(str(small_photo), "ultralow", 0.05, settings))
    *_, last = actions.decode(run, Sides(Side.AUTOENCODER, Side.OTHER))
    assert run.header.codec is SystemName.ULTRALOW and run.pictures.captions[Side.AUTOENCODER] == "Coarse picture"
    assert view.missing(run, Sides(Side.AUTOENCODER, Side.OTHER)) == [] and "has one decoder" in last.captions
    np.testing.assert_array_equal(run.pictures.read(Side.AUTOENCODER), codec.reconstruct(run.stream))
    assert set(run.pictures.scores) == {Side.AUTOENCODER, Side.GRAIN, Side.REPAINT}
    _, captions = view.pair(run, Sides(Side.OTHER, Side.ERROR))
    assert "unfinished" not in captions
    with pytest.raises(SettingsError, match="no decoder"):
        Request.of_controls(str(small_photo), "ultralow", 0.2, 0.3, 0.02, "flow", 1, 0.4, 5, "even", None)


def test_what_was_painted_over_another_photo_is_not_taken():
    mask = Image.new("L", (8, 8), 255)
    assert mask_of("new.png", "old.png", mask) is None
    assert mask_of("new.png", "new.png", mask) is mask and mask_of("new.png", None, mask) is mask


def test_films_begin_and_end_with_the_sampling():
    assert film_steps(0) == [0] and film_steps(3) == [0, 1, 2, 3]
    assert len(film_steps(100)) == 8 and film_steps(100)[-1] == 100


@pytest.mark.parametrize("kind", plots.KINDS)
def test_plots_mark_the_picture(kind: str, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "lpips_network", load_results().lpips)
    plain, marked = plots.draw(kind, False, False, None), plots.draw(kind, True, True, run)
    assert ("run a photo" in plain) == (kind != plots.SHIFT), "on that one nothing of a run is marked"
    assert ("marked point" in marked) == (kind not in (plots.ULTRALOW, plots.SHIFT)), "the run is standard"
    assert "-dark.png" in marked


def test_a_score_of_another_network_is_not_marked(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "lpips_network", "LPIPS (another)")
    assert "not measured by this network" in plots.draw(plots.RATE_LPIPS, False, False, run)
    assert "marked point" in plots.draw(plots.RATE_PSNR, False, False, run)


def test_under_zerogpu_model_work_is_decorated_at_start_up(monkeypatch: pytest.MonkeyPatch, codec: Codec, run: Run):
    asked = []

    def gpu(work: Callable, duration: Callable) -> Callable:
        def elsewhere(*arguments: Any) -> Any:
            pickle.dumps(arguments)
            asked.append(duration(*arguments))
            return work(*arguments)

        return elsewhere

    monkeypatch.setattr(zerogpu, "spaces", SimpleNamespace(GPU=gpu))
    engine = Engine(lambda: codec)
    image = Image.fromarray(run.pictures.read(Side.ORIGINAL))
    assert engine.encode(b"photo", image, "quality", 0.3).stream == run.stream
    *_, last = engine.paint(run.stream, SETTINGS)
    np.testing.assert_array_equal(last.image, run.pictures.read(Side.REPAINT))
    assert asked == [zerogpu.ENCODE_SECONDS, zerogpu.START_SECONDS + 1]


def test_under_zerogpu_errors_keep_their_sentences():
    def encode() -> bytes:
        raise StreamError("The stream is damaged.")

    def decode() -> Iterator[int]:
        yield 0
        raise StreamError("The stream is damaged.")

    with pytest.raises(gr.Error, match="is damaged"):
        zerogpu.told_errors(encode)()
    with pytest.raises(gr.Error, match="is damaged"):
        list(zerogpu.told_errors(decode)())


def test_the_page_takes_every_kind_of_picture_file():
    script = (Path(view.__file__).parent / "page.js").read_text()
    pattern = re.compile(re.search(r"const PICTURE = /(.+)/i;", script)[1], re.IGNORECASE)
    accepted = re.search(r'picker.accept = "image/\*,(.+)";', script)[1].split(",")
    for suffix in PICTURE_SUFFIXES:
        assert pattern.search(f"photo{suffix}")
        assert suffix in accepted or mimetypes.guess_type(f"photo{suffix}")[0] in WEB_TYPES


def test_a_read_only_file_system_keeps_its_examples(monkeypatch: pytest.MonkeyPatch):
    def refuse(path: str) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(os, "utime", refuse)
    assert checks.checked_photo(str(EXAMPLES["cat"])) == str(EXAMPLES["cat"])


def test_sides_chosen_while_scores_are_made_stay(actions: Actions, small_photo: Path):
    run = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=77)))
    sides = Sides(Side.AUTOENCODER, Side.REPAINT)
    views = actions.decode(run, sides)
    next(shown for shown in views if "Measuring" in shown.status)
    sides.choose(Side.ORIGINAL, Side.REPAINT, False)
    assert next(views).pictures[0] == run.pictures.files[Side.ORIGINAL]
    views.close()


def test_a_page_that_is_about_to_begin_denies_no_result():
    turns = Turns()
    updates.opened(Link(), None, turns)
    assert Choosing.show(Sides(), None, turns, "JPEG", "Repaint") == Pair()
    assert updates.opening_failed(turns) == updates.FAILED
    assert "press Run" in Choosing.show(Sides(), None, turns, "Original", "Repaint").captions


def test_a_decode_that_fails_leaves_pictures_of_full_size(
    actions: Actions, small_photo: Path, monkeypatch: pytest.MonkeyPatch
):
    for module in ("run", "files"):
        monkeypatch.setattr(f"pipeline.ui.{module}.PREVIEW_PIXELS", 5000)
    run = actions.encode(Request(str(small_photo), "quality", 0.3, replace(SETTINGS, seed=78)))
    views = actions.decode(run, Sides(Side.ORIGINAL, Side.AUTOENCODER))
    next(shown for shown in views if "step 0" in shown.status)
    assert Side.AUTOENCODER in run.pictures.previews
    with pytest.raises(RuntimeError):
        views.throw(RuntimeError("a worker was lost"))
    assert view.pair(run, Sides(Side.ORIGINAL, Side.AUTOENCODER)).pictures == (
        run.pictures.files[Side.ORIGINAL],
        run.pictures.files[Side.AUTOENCODER],
    )


def test_what_found_no_place_in_the_queue_is_promised_no_longer(run: Run):
    sides = Sides(Side.REPAINT, Side.JXL)
    assert "JPEG XL follows" in view.pair(run, sides).captions
    captions = updates.failed(run, sides).captions
    assert "follows" not in captions and "no JPEG XL was made; choose another side" in captions
    run.declined.clear()


def test_numbers_of_what_every_method_made_are_of_the_run_on_the_screen(actions: Actions, run: Run):
    deque(methods.make(actions.engine, run, Side.WEBP), maxlen=0)
    methods.score_rest(actions.engine, run, lambda: None)
    measured = Choosing(actions.engine).measured(run)
    assert "webp" in measured.numbers["methods"] and "WebP" in measured.report
    assert Choosing(actions.engine).measured(None) == (KEEP, KEEP)


def test_examples_are_served_wherever_the_page_is_started_from(monkeypatch: pytest.MonkeyPatch):
    given: dict[str, Any] = {}
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **options: (None, given.update(options), None))
    app.launch(gr.Blocks())
    assert all(Path(given["allowed_paths"][0]) in path.parents for path in EXAMPLES.values())
