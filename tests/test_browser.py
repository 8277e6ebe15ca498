"""The page in a headless Chromium: upload, run, compare, stop, download, decode; on a desktop and on a phone."""

import io
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pipeline.comparison.baselines import encode_plain
from pipeline.comparison.differences import error_map, worst_region
from pipeline.comparison.invention import invented, invention_map, seed_spread
from pipeline.images import load_image
from pipeline.pictures import read_picture
from pipeline.pictures.reading import Picture
from pipeline.settings import DEFAULT_SETTINGS, Allocation, DecodeSettings, SystemName
from pipeline.ui.choices import EXAMPLES
from pipeline.ui.plots import KINDS
from tests.screenshots import ARGUMENTS, open_tab

OWN = DEFAULT_SETTINGS[SystemName.ULTRALOW]
TINY = {
    "Target bitrate of the ultra-low codec": "0.02",
    "Noise level": f"{OWN.noise_level:g}",
    "Sampling steps": str(OWN.num_inference_steps),
}
"""What the preset sets."""

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.app_fixtures import BlockedApp, ServedApp

ADAPTIVE = Allocation("adaptive")
pytest_plugins = ["tests.app_fixtures"]
pytestmark = pytest.mark.browser

PATIENCE = 120_000
FIRST = "?example=cat&bpp=0.1&decoder=flow&steps=1"
CHEAP = f"{FIRST}&left=Autoencoder"
UNNAMED = """() => [...document.querySelectorAll("button, input, textarea, select")]
    .filter((control) => control.checkVisibility() && control.type !== "file")
    .filter((control) => !(control.ariaLabel || control.title || control.innerText.trim()
        || [...(control.labels ?? [])].some((label) => label.innerText.trim())
        || control.querySelector("img[alt]")?.alt))
    .map((control) => control.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium, else Playwright's own. Without either the tests skip, and under CI they fail."""
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            yield browser
            browser.close()
    except Exception as error:
        reason = f"There is no browser to test with: {str(error).splitlines()[0]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def opened(
    browser: "Browser",
    served: "ServedApp",
    width: int = 1280,
    height: int = 900,
    scheme: str = "light",
    query: str = CHEAP,
    locale: str = "en-GB",
) -> "Iterator[Page]":
    """The page in a fresh context, with its example; no console error and no request to elsewhere may come of it."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on(
        "console",
        lambda message: problems.append(f"{message.text} {message.location}") if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    own = (served.url, "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(own) else problems.append(request.url))
    page.goto(f"{served.url}/{query}")
    wait_for_status(page, "Painted 1 step")
    yield page
    assert problems == []
    context.close()


def set_number(page: "Page", label: str, value: float) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Tab")


def set_steps(page: "Page", steps: int) -> None:
    set_number(page, "number input for Sampling steps", steps)


def wait_for_status(page: "Page", text: str | re.Pattern) -> None:
    page.locator("#status", has_text=text).wait_for()


def run(page: "Page", steps: int) -> None:
    set_steps(page, steps)
    forget_status(page)
    page.locator("#run").click()
    wait_for_status(page, f"Painted {steps} step")


def forget_status(page: "Page") -> None:
    """So that the next one can be told from it."""
    page.locator("#status").evaluate("(status) => { status.querySelector('p').textContent = ''; }")


def fetched(page: "Page", image: "Locator") -> np.ndarray:
    """The pixels of a picture on the page, as the browser gets them."""
    return np.asarray(Image.open(io.BytesIO(page.request.get(image.evaluate("(image) => image.src")).body())))


def served_picture(page: "Page", side: int) -> np.ndarray:
    """The file behind the left (0) or right (1) picture of the slider."""
    return fetched(page, page.locator("#compare img").nth(side))


def wait_for_numbers(page: "Page", fields: dict[str, str]) -> None:
    """Until the number fields whose labels begin so hold these values."""
    for label, value in fields.items():
        field = page.get_by_label(f"number input for {label}", exact=False)
        page.wait_for_function("([field, value]) => field.value === value", arg=[field.element_handle(), value])


def wait_for_captions(page: "Page", left: str, right: str) -> None:
    page.locator("#captions .left", has_text=left).wait_for()
    page.locator("#captions .right", has_text=right).wait_for()


def shown_scale(page: "Page") -> float:
    """How far the slider is zoomed in."""
    transform = page.locator("#compare img").first.evaluate("(image) => getComputedStyle(image).transform")
    return 1.0 if transform == "none" else float(re.match(r"matrix\(([\d.]+)", transform)[1])


def settled_scale(page: "Page") -> float:
    """`shown_scale` once it has stopped changing."""
    before = None
    while (scale := shown_scale(page)) != before:
        before = scale
        page.wait_for_timeout(200)
    return scale


def test_desktop(browser: "Browser", served: "ServedApp", photo: Path, tmp_path: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        page.get_by_label("Quality", exact=True).check()
        set_number(page, "number input for Quality", 0.3)
        page.get_by_label("Diffusion", exact=True).check()
        run(page, 2)

        stream = served.codec.encode(load_image(photo), quality=0.3, allocation=ADAPTIVE)
        records = list(served.codec.decode(stream, DecodeSettings(num_inference_steps=2)))
        wait_for_captions(page, "Autoencoder", "Diffusion, 2 steps")
        np.testing.assert_array_equal(served_picture(page, 0), records[0].image)
        np.testing.assert_array_equal(served_picture(page, 1), records[-1].image)
        assert page.locator("table.scores tbody tr").count() == 3
        assert page.get_by_text("generated, not transmitted").first.is_visible()
        assert page.evaluate("location.search") == ""

        set_steps(page, 100)
        page.locator("#run").click()
        wait_for_status(page, re.compile(r"step \d+ of 100"))
        wait_for_captions(page, "Autoencoder", "of 100")
        page.locator("#stop").click()
        wait_for_status(page, "Stopped after step")
        encodes = served.codec.encodes
        run(page, 1)
        assert served.codec.encodes == encodes

        with page.expect_download() as download:
            page.locator("#stream-file").click()
        assert download.value.suggested_filename == "cut.bbr"
        download.value.save_as(tmp_path / "cut.bbr")
        assert (tmp_path / "cut.bbr").read_bytes() == stream

        page.get_by_role("tab", name="Stream").click()
        page.locator("#stream input[type=file]").set_input_files(tmp_path / "cut.bbr")
        page.get_by_text("176 × 168").wait_for()
        page.locator("#decode").click()
        page.get_by_text("without its original").wait_for()
        wait_for_captions(page, "Autoencoder", "Diffusion, 1 step,")


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 900, "light"), (390, 844, "dark")])
def test_a_brush_says_where_the_bits_go(
    browser: "Browser", served: "ServedApp", width: int, height: int, scheme: str, tmp_path: Path
):
    with opened(browser, served, width, height, scheme) as page:
        assert not page.locator("#mask").is_visible()
        choose_map(page, "Painted")
        canvas = page.locator("#mask canvas").first
        canvas.wait_for()
        page.wait_for_timeout(2000)  # until the photo lies on it
        run(page, 1)
        assert "Nothing is painted" in page.locator("#report").inner_text()

        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        across = [(box["x"] + share * box["width"], box["y"] + box["height"] / 2) for share in (0.2, 0.3, 0.4)]
        page.mouse.move(*across[0])
        page.mouse.down()
        for place in across[1:]:
            page.mouse.move(*place, steps=10)
        page.mouse.up()
        page.wait_for_timeout(500)
        uploads: list[str] = []
        page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
        run(page, 3)
        assert 1 <= len(uploads) <= 3, "what the editor holds is sent once"
        assert "Nothing is painted" not in page.locator("#report").inner_text()
        with page.expect_download() as download:
            page.locator("#stream-file").click()
        download.value.save_as(tmp_path / "cat.bbr")
        levels = served.codec.quality_map((tmp_path / "cat.bbr").read_bytes()).levels.double()
        middle, left = levels[3:6], levels[3:6, 2:7]
        assert left.mean() > levels.mean() and middle.mean() > levels[:2].mean() and levels.min() == 0

        page.locator("#overlay input").check()
        page.locator("#captions .legend", has_text="more bits").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        named = page.locator("#mask").evaluate(UNNAMED.replace("document", "mask").replace("()", "(mask)", 1))
        assert named == []


def test_the_ultra_low_codec_shows_no_map(browser: "Browser", served: "ServedApp"):
    with opened(browser, served) as page:
        choose_map(page, "Painted")
        page.locator("#mask canvas").first.wait_for()
        page.get_by_label("Ultra-low", exact=True).check()
        page.locator("#map").wait_for(state="hidden")
        page.locator("#mask").wait_for(state="hidden")


def choose_map(page: "Page", name: str) -> None:
    page.locator("#map label", has_text=name).click()


PRESS_STOP = """(delay) => {
    const stop = document.querySelector("#stop");
    const press = () => stop.disabled ? requestAnimationFrame(press) : setTimeout(() => stop.click(), delay);
    press();
}"""


@pytest.mark.parametrize(("latency", "delay"), [(0, 0), (0, 20), (400, 0), (400, 300)])
def test_stop_counts_from_the_moment_it_can_be_pressed(
    browser: "Browser", served: "ServedApp", photo: Path, latency: int, delay: int
):
    """``latency`` of the line and ``delay`` of the visitor's finger in milliseconds."""
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        set_steps(page, 100)
        page.wait_for_timeout(500)
        conditions = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
        page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", conditions)
        page.evaluate(PRESS_STOP, delay)
        page.locator("#run").click()
        wait_for_status(page, re.compile("Stopped (before|after step)"))
        page.wait_for_function("!document.querySelector('#run').disabled && document.querySelector('#stop').disabled")
        page.wait_for_timeout(1500)
        wait_for_status(page, "Stopped")
        run(page, 1)


def test_stopped_runs_say_where_and_can_be_compared(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        set_steps(page, 100)
        page.locator("#run").click()
        wait_for_captions(page, "Autoencoder", "of 100")
        page.locator("#stop").click()
        wait_for_status(page, "Stopped after step")
        step = re.search(r"step \d+ of 100", page.locator("#status").inner_text())[0]
        assert step in page.locator("#captions .right").inner_text()
        page.locator("#result").focus()
        for key, name in ("7", "JPEG"), ("8", "WebP"), ("9", "AVIF"):
            page.keyboard.press(key)
            wait_for_captions(page, "Autoencoder", f"{name} (")
        page.keyboard.press("3")
        wait_for_captions(page, "Autoencoder", "no Grain of an unfinished repaint")


def test_a_run_that_waits_can_be_stopped(browser: "Browser", served: "ServedApp", blocked: "BlockedApp", photo: Path):
    waiting = blocked.submit(photo)
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{blocked.url}/{CHEAP}")
    page.locator("#photo img").wait_for()
    page.locator("#run").click()
    page.wait_for_function("!document.querySelector('#stop').disabled")
    page.wait_for_timeout(300)
    page.locator("#stop").click()
    wait_for_status(page, "Stopped before it began")
    page.wait_for_function("!document.querySelector('#run').disabled")
    assert not waiting.done()
    context.close()


def test_commas_are_points_and_pasted_text_leaves_the_photo(browser: "Browser", served: "ServedApp", tmp_path: Path):
    with opened(browser, served) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        for label, typed in (("Noise level", "0.3"), ("Target bitrate, bits", "0.25")):
            field = page.get_by_label(f"number input for {label}", exact=False)
            field.click()
            field.press("Control+A")
            page.keyboard.type(typed.replace(".", ","))
            field.press("Tab")
            wait_for_numbers(page, {label: typed})
        page.evaluate("navigator.clipboard.writeText('only text')")
        page.locator("#photo").get_by_label("Paste from clipboard").click()
        page.locator("#result").focus()
        page.keyboard.press("Control+V")
        page.wait_for_timeout(500)
        assert page.locator("#photo img").evaluate("(image) => image.naturalWidth") > 0


def test_pictures_that_browsers_cannot_show_are_shown(
    browser: "Browser", served: "ServedApp", photo: Path, tmp_path: Path
):
    pixels = load_image(photo)
    with opened(browser, served) as page:
        for name in ("photo.tif", "photo.ppm"):
            pixels.save(tmp_path / name)
            page.locator("#photo input[type=file]").set_input_files(tmp_path / name)
            page.locator("#photo img[src$='photo.png']").wait_for()
            np.testing.assert_array_equal(fetched(page, page.locator("#photo img")), np.asarray(pixels))
            page.locator("#examples button").first.click()
            page.locator("#photo img[src$='cat.png']").wait_for()


def test_a_photo_is_not_overwritten_by_one_that_was_chosen_before(
    browser: "Browser", served: "ServedApp", photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked, may_answer = threading.Event(), threading.Event()

    def slowly(path: str) -> Picture:
        asked.set()
        assert may_answer.wait(30)
        return read_picture(path)

    monkeypatch.setattr("pipeline.ui.checks.read_picture", slowly)
    load_image(photo).save(tmp_path / "photo.tif")
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(tmp_path / "photo.tif")
        assert asked.wait(30)
        page.locator("#examples button").first.click()
        page.locator("#photo img[src$='cat.png']").wait_for()
        may_answer.set()
        page.wait_for_timeout(2000)
        assert page.locator("#photo img[src$='cat.png']").is_visible()


def test_what_stands_beside_what(browser: "Browser", served: "ServedApp"):
    with opened(browser, served, query=f"{CHEAP}&__theme=light", locale="de-DE") as page:
        encodes = served.codec.encodes
        original = np.asarray(load_image(EXAMPLES["cat"]))
        wait_for_captions(page, "Autoencoder", "Rectified flow, 1 step")
        repaint = served_picture(page, 1)
        page.locator("#result").focus()
        page.keyboard.press("Space")
        wait_for_captions(page, "Rectified flow, 1 step", "Autoencoder")
        np.testing.assert_array_equal(served_picture(page, 0), repaint)

        divider = page.get_by_role("separator")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("(divider) => divider.ariaValueNow === '55'", arg=divider.element_handle())
        page.locator("#keys input").uncheck()
        page.locator("#result").focus()
        page.keyboard.press("Shift+3")
        page.locator("#keys input").check()
        page.locator("#result").focus()
        page.keyboard.press("7")
        wait_for_captions(page, "Rectified flow", "JPEG (optimised tables), quality")
        size = int(page.locator("dl.rate dd").nth(1).inner_text().replace(",", ""))
        np.testing.assert_array_equal(
            served_picture(page, 1), encode_plain(Image.fromarray(original), "jpeg", size).image
        )
        page.locator("table.scores", has_text="JPEG").wait_for()

        page.locator("#right input").click()
        page.get_by_role("option", name="Error map").click()
        wait_for_captions(page, "Rectified flow", "Absolute error of Rectified flow")
        np.testing.assert_array_equal(served_picture(page, 1), error_map(original, repaint))

        page.keyboard.press("Escape")
        page.locator("#result").focus()
        page.keyboard.press("Shift+Digit1")
        wait_for_captions(page, "Original", "Absolute error of Rectified flow")
        assert page.locator("#compare img").first.get_attribute("alt") == "Original"
        assert "left=Original&right=Error+map" in page.evaluate("location.search")
        assert page.evaluate("location.search").endswith("&__theme=light")
        assert served.codec.encodes == encodes

        page.locator("#worst").click()
        page.wait_for_function("document.querySelector('#compare img.enlarged')")
        scale = settled_scale(page)
        assert scale > 2
        page.locator("#worst").click()
        assert settled_scale(page) == pytest.approx(scale, rel=0.01)
        page.keyboard.press("2")
        wait_for_captions(page, "Original", "Autoencoder")
        page.keyboard.press("Shift+Digit2")
        wait_for_captions(page, "Autoencoder", "Autoencoder")
        assert settled_scale(page) == scale
        address = page.evaluate("location.search")
    with opened(browser, served, query=address) as page:
        wait_for_captions(page, "Autoencoder", "Autoencoder")
        assert page.get_by_label("Rectified flow").is_checked()


def test_the_first_view_is_avif_in_as_many_bytes(browser: "Browser", served: "ServedApp"):
    with opened(browser, served, query=FIRST) as page:
        wait_for_captions(page, "AVIF (", "Rectified flow, 1 step")
        original = load_image(EXAMPLES["cat"])
        stream = served.codec.encode(original, bpp=0.1, allocation=ADAPTIVE)
        np.testing.assert_array_equal(served_picture(page, 0), encode_plain(original, "avif", len(stream)).image)
        assert f"{len(stream):,} bytes" in page.locator("#captions .right").inner_text()
        assert "left=AVIF&right=Repaint" in page.evaluate("location.search")


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 900, "light"), (390, 844, "dark")])
def test_a_click_shows_a_part_of_both_at_200_percent(
    browser: "Browser", served: "ServedApp", width: int, height: int, scheme: str
):
    with opened(browser, served, width, height, scheme, FIRST) as page:
        parts, whole = page.locator("#closeup .part"), page.locator("#compare img").first
        assert parts.count() == 2 and parts.first.is_visible()
        whole.scroll_into_view_if_needed()
        box = whole.bounding_box()
        for share in 0.3, 0.6:
            clicked = box["x"] + share * box["width"], box["y"] + 0.5 * box["height"]
            page.mouse.click(*clicked)
            page.wait_for_function(f"location.search.includes('at=0.{share * 10:.0f}')")
            frame, part = page.locator("#compare .frame").bounding_box(), parts.first.bounding_box()
            assert frame["x"] + frame["width"] / 2 == pytest.approx(clicked[0], abs=4)
            assert frame["y"] + frame["height"] / 2 == pytest.approx(clicked[1], abs=4)
            assert frame["width"] / box["width"] == pytest.approx(part["width"] / (2 * 451), abs=0.02)
        shown = [parts.nth(side).evaluate("(part) => getComputedStyle(part).background") for side in range(2)]
        for side, name in enumerate(("AVIF at 200 %", "Rectified flow at 200 %")):
            assert page.locator("#compare img").nth(side).get_attribute("src").split("/")[-1] in shown[side]
            assert "902px 600px" in shown[side]
            assert parts.nth(side).get_attribute("aria-label").startswith(name)
        address = page.evaluate("location.search")
        parts.first.press("ArrowRight")
        page.wait_for_function(f"location.search !== '{address}'")
        page.locator("#closer input").uncheck()
        page.wait_for_function("location.search.includes('at=none')")
        parts.first.wait_for(state="hidden")
        closed = page.evaluate("location.search")
    with opened(browser, served, width, height, scheme, address) as page:
        page.locator("#report table.scores").wait_for()
        page.wait_for_function("(address) => location.search === address", arg=address)
        position = "(part) => getComputedStyle(part).backgroundPosition"
        assert all(page.locator("#closeup .part").nth(side).evaluate(position) in shown[side] for side in range(2))
    with opened(browser, served, width, height, scheme, closed) as page:
        page.locator("#closeup").wait_for(state="hidden")
        assert not page.locator("#closer input").is_checked()


def test_a_key_counts_at_once_after_the_divider_has_moved(browser: "Browser", served: "ServedApp"):
    with opened(browser, served) as page:
        page.evaluate(
            """() => ["ArrowRight", "Digit1"].forEach((code) =>
                document.body.dispatchEvent(new KeyboardEvent("keydown", {code, bubbles: true})))"""
        )
        wait_for_captions(page, "Autoencoder", "Original")


def test_every_method_samples_and_plots(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        run(page, 1)
        box_of = "(images) => images.map((image) => image.alt)"
        page.get_by_role("tab", name="All methods").click()
        page.locator("#every").click()
        wait_for_status(page, "Every method")
        names = page.locator("#grid img").evaluate_all(box_of)
        assert [name.split(",")[0].split()[0] for name in names] == [
            "Original", "Autoencoder", "Grain", "Rectified", "Diffusion", "JPEG", "WebP", "AVIF", "JPEG", "Ultra-low",
        ]  # fmt: skip
        original = np.asarray(load_image(photo))
        stream = served.codec.encode(Image.fromarray(original), bpp=0.1, allocation=ADAPTIVE)
        average = served.codec.reconstruct(stream)
        box = worst_region(original, average, 96, 72)
        tiny = served.codec.encode(Image.fromarray(original), bpp=0.03, codec="ultralow")
        for index, picture in (
            (0, original),
            (1, average),
            (9, list(served.codec.decode(tiny))[-1].image),
            (6, encode_plain(Image.fromarray(original), "webp", len(stream)).image),
        ):
            np.testing.assert_array_equal(fetched(page, page.locator("#grid img").nth(index)), box.crop(picture))
        with page.expect_download() as download:
            page.locator("#sheet").click()
        assert download.value.suggested_filename == "cut-methods.png"

        page.get_by_role("tab", name="Sampling").click()
        film = [served.codec.decode(stream, DecodeSettings("flow", 1))]
        for index, record in enumerate(film[0]):
            np.testing.assert_array_equal(fetched(page, page.locator("#film img").nth(index)), box.crop(record.image))
        open_tab(page, "What was invented")
        repaint = record.image
        np.testing.assert_array_equal(fetched(page, page.locator("#invention img").first), average)
        drawn, top = invention_map(invented(repaint, average))
        np.testing.assert_array_equal(fetched(page, page.locator("#invention img").last), drawn)
        assert f"brightest from {top} of 255" in page.locator("#invention").inner_text()
        assert f"{len(stream):,} bytes" in page.locator("#invention").inner_text()
        page.locator("#paint-samples").click()
        wait_for_status(page, "4 samples")
        samples = [
            list(served.codec.decode(stream, DecodeSettings("flow", 1, seed=seed)))[-1].image for seed in range(4)
        ]
        assert page.locator("#samples img").count() == 6
        spread, _ = invention_map(seed_spread(samples))
        np.testing.assert_array_equal(fetched(page, page.locator("#samples img").nth(1)), spread)

        page.get_by_role("tab", name="Plots").click()
        for kind in KINDS:
            page.get_by_label(kind).check(force=True)
            page.locator(f'#plot img[alt="Plot: {kind}"]').wait_for()
        page.get_by_role("tab", name="How it works").click()
        assert page.locator("#how .wide svg").first.is_visible()


def test_two_choices_in_a_row_are_both_made(browser: "Browser", served: "ServedApp"):
    with opened(browser, served) as page:
        page.locator("#result").focus()
        page.keyboard.press("6")
        wait_for_captions(page, "Autoencoder", "follows")
        page.keyboard.press("5")
        page.locator("#captions .right", has_text="follows").wait_for(state="detached")
        page.wait_for_function("!document.querySelector('#run').disabled && document.querySelector('#stop').disabled")


def test_an_empty_clipboard_is_said(browser: "Browser", served: "ServedApp"):
    with opened(browser, served) as page:
        page.locator("#photo [aria-label='Paste from clipboard']").first.click()
        wait_for_status(page, "No picture came from the clipboard")


def test_re_roll_paints_anew(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        run(page, 1)
        first = served_picture(page, 1)
        forget_status(page)
        page.locator("#reroll").click()
        wait_for_status(page, "Painted 1 step in")
        assert page.get_by_label("Seed").input_value() != "0"
        assert (served_picture(page, 1) != first).any()


def test_a_seed_that_is_typed_while_a_run_goes_on_stays(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        set_number(page, "number input for Sampling steps", 20)
        page.locator("#run").click()
        page.wait_for_selector("#stop:not([disabled])")
        set_number(page, "Seed", 1234)
        wait_for_status(page, "Painted 20 steps in")
        assert page.get_by_label("Seed").input_value() == "1234"


@pytest.mark.parametrize("tab", ["Compare", "Plots"])
def test_runs_that_end_well_bring_no_message(browser: "Browser", served: "ServedApp", tab: str):
    with opened(browser, served) as page:
        messages = page.locator("[data-testid='toast-body']")
        open_tab(page, tab)
        for _ in range(2):
            page.wait_for_timeout(1000)
            assert messages.count() == 0, messages.all_text_contents()
            forget_status(page)
            page.locator("#run").click()
            wait_for_status(page, "Painted 1 step in")
        page.wait_for_timeout(1000)
        assert messages.count() == 0, messages.all_text_contents()


def test_a_seed_that_cannot_be_is_said(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        set_number(page, "Seed", 5_000_000_000)
        page.locator("#run").click()
        page.get_by_text("“Seed” must be").first.wait_for()
        wait_for_status(page, "This could not begin")
        set_number(page, "Seed", 5)
        page.locator("#run").click()
        wait_for_status(page, "Painted 1 step in")
        assert "Painted 1 step in" in page.locator("#told").text_content()


def test_space_chooses_what_has_the_focus(browser: "Browser", served: "ServedApp"):
    with opened(browser, served) as page:
        left = page.locator("#captions .left").text_content()
        page.get_by_label("Faithful").focus()
        page.keyboard.press("Space")
        wait_for_numbers(page, {"Noise level": "0.5"})
        assert page.locator("#captions .left").text_content() == left


def test_presets_set_rate_and_noise(browser: "Browser", served: "ServedApp"):
    with opened(browser, served) as page:
        page.get_by_label("Faithful").check(force=True)
        wait_for_numbers(page, {"Target bitrate, bits": "0.4", "Noise level": "0.5", "Sampling steps": "1"})
        page.get_by_label("Tiny").check(force=True)
        wait_for_numbers(page, TINY)
        set_number(page, "number input for Noise level", 0.61)
        page.wait_for_function("!document.querySelector('.segments input:checked')?.value.includes('Tiny')")


def test_the_ultra_low_codec_runs_from_its_preset(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served) as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        page.get_by_label("Tiny").check(force=True)
        wait_for_numbers(page, TINY)
        run(page, 2)
        wait_for_captions(page, "Coarse picture", "Diffusion, 2 steps")
        served_stream = served.codec.encode(load_image(photo), bpp=0.02, codec="ultralow")
        settings = replace(OWN, num_inference_steps=2)
        *_, last = served.codec.decode(served_stream, settings)
        assert (served_picture(page, 1) == last.image).all()


def test_bad_photo_is_explained_and_the_page_goes_on(
    browser: "Browser", served: "ServedApp", photo: Path, tmp_path: Path
):
    (tmp_path / "text.png").write_text("not a picture")
    with opened(browser, served) as page:
        upload = page.locator("#photo input[type=file]")
        upload.set_input_files(tmp_path / "text.png")
        page.locator("#run").click()
        page.get_by_text("not a picture Bitbrush can read").first.wait_for()
        whole = io.BytesIO()
        load_image(photo).save(whole, "WEBP", lossless=True)
        damaged = whole.getvalue()[:-2000]
        upload.set_input_files({"name": "damaged.webp", "mimeType": "image/webp", "buffer": damaged})
        page.locator("#run").click()
        wait_for_status(page, "message says why")
        upload.set_input_files(photo)
        run(page, 1)


def test_phone(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served, 390, 844, "dark") as page:
        assert page.evaluate(UNNAMED) == []
        page.locator("#photo input[type=file]").set_input_files(photo)
        run(page, 1)
        for tab in ("All methods", "What was invented", "Sampling", "Plots", "How it works", "Compare"):
            open_tab(page, tab)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert page.evaluate(UNNAMED) == []
