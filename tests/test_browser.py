"""The page in a headless Chromium: upload, run, compare, stop, download, decode; on a desktop and on a phone."""

import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pipeline.images import load_image
from pipeline.settings import DecodeSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.app_fixtures import ServedApp

pytest_plugins = ["tests.app_fixtures"]
pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 120_000
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
def opened(browser: "Browser", served: "ServedApp", width: int, height: int, scheme: str) -> "Iterator[Page]":
    """The page in a fresh context; afterwards there must be no console error and no request to elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    own = (served.url, "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(own) else problems.append(request.url))
    page.goto(served.url)
    page.locator("#run").wait_for()
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
    page.locator("#run").click()
    wait_for_status(page, f"Painted {steps} step")


def served_picture(page: "Page", side: int) -> np.ndarray:
    """The file behind the left (0) or right (1) picture of the slider, as the browser gets it."""
    source = page.locator("#compare img").nth(side).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())))


def wait_for_captions(page: "Page", left: str, right: str) -> None:
    page.locator("#captions .left", has_text=left).wait_for()
    page.locator("#captions .right", has_text=right).wait_for()


def test_desktop(browser: "Browser", served: "ServedApp", photo: Path, tmp_path: Path):
    with opened(browser, served, 1280, 900, "light") as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        page.get_by_label("Quality", exact=True).check()
        set_number(page, "number input for Quality", 0.3)
        run(page, 2)

        stream = served.codec.encode(load_image(photo), quality=0.3)
        records = list(served.codec.decode(stream, DecodeSettings(num_inference_steps=2)))
        wait_for_captions(page, "Autoencoder", "Diffusion, 2 steps")
        np.testing.assert_array_equal(served_picture(page, 0), records[0].image)
        np.testing.assert_array_equal(served_picture(page, 1), records[-1].image)
        assert page.locator("table.scores tbody tr").count() == 3
        assert page.get_by_text("generated, not transmitted").is_visible()

        encodes = served.codec.encodes
        page.keyboard.press("Space")
        wait_for_captions(page, "Diffusion, 2 steps", "Autoencoder")
        page.locator("#left").get_by_label("Original").check(force=True)
        page.locator("#right").get_by_label("Grain").check(force=True)
        wait_for_captions(page, "Original", "Grain control")
        np.testing.assert_array_equal(served_picture(page, 0), np.asarray(load_image(photo)))
        assert page.locator("#compare img").first.get_attribute("alt") == "Original"

        set_steps(page, 100)
        page.locator("#run").click()
        wait_for_status(page, re.compile(r"step \d+ of 100"))
        page.locator("#right").get_by_label("Repaint").check(force=True)
        wait_for_captions(page, "Original", "of 100")
        page.locator("#stop").click()
        wait_for_status(page, "Stopped after step")
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


def test_re_roll_paints_anew(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served, 1280, 900, "light") as page:
        page.locator("#photo input[type=file]").set_input_files(photo)
        run(page, 1)
        first = served_picture(page, 1)
        page.locator("#status").evaluate("(status) => { status.querySelector('p').textContent = ''; }")
        page.locator("#reroll").click()
        wait_for_status(page, "Painted 1 step in")
        assert page.get_by_label("Seed").input_value() != "0"
        assert (served_picture(page, 1) != first).any()


def test_bad_photo_is_explained_and_the_page_goes_on(
    browser: "Browser", served: "ServedApp", photo: Path, tmp_path: Path
):
    (tmp_path / "text.png").write_text("not a picture")
    with opened(browser, served, 1280, 900, "light") as page:
        upload = page.locator("#photo input[type=file]")
        upload.set_input_files(tmp_path / "text.png")
        page.locator("#run").click()
        page.get_by_text("not a picture Bitbrush can read").wait_for()
        upload.set_input_files(photo)
        run(page, 1)


def test_phone(browser: "Browser", served: "ServedApp", photo: Path):
    with opened(browser, served, 390, 844, "dark") as page:
        assert page.evaluate(UNNAMED) == []
        page.locator("#photo input[type=file]").set_input_files(photo)
        run(page, 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate(UNNAMED) == []
