"""Pictures of every tab of the page, for people to look at: ``python tests/screenshots.py [URL]``.

Desktop and phone, light and dark, into the git-ignored folder ``out/``. Without a URL the app is started first.
"""

import shutil
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out"
DEVICES = {"desktop": (1280, 900), "phone": (390, 844)}
QUERY = "?"
ULTRALOW_QUERY = "?example=astronaut&ultralow=0.03"
PATIENCE = 600_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def shoot(browser: Browser, url: str, device: str, scheme: str) -> Iterator[Path]:
    """Opens the first example on a fresh page and photographs the whole of every tab."""
    width, height = DEVICES[device]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url.rstrip("/") + "/" + QUERY)
    page.locator("table.scores").wait_for()

    def photograph(name: str) -> Path:
        page.wait_for_timeout(1000)
        path = OUT / f"{device}-{scheme}-{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    yield photograph("compare")
    page.locator("#worst").click()
    yield photograph("worst")
    open_tab(page, "All methods")
    page.locator("#every").click()
    page.locator("#status", has_text="Every method").wait_for()
    yield photograph("methods")
    open_tab(page, "What was invented")
    page.locator("#paint-samples").click()
    page.locator("#status", has_text="samples of one stream").wait_for()
    yield photograph("invented")
    open_tab(page, "Sampling")
    yield photograph("sampling")
    open_tab(page, "Plots")
    page.locator("#plot img").wait_for()
    yield photograph("plots")
    open_tab(page, "How it works")
    yield photograph("how")
    page.goto(url.rstrip("/") + "/" + ULTRALOW_QUERY)
    page.locator("table.scores", has_text="Coarse picture").wait_for()
    yield photograph("ultralow")
    context.close()


def open_tab(page: Page, name: str) -> None:
    """Chooses a tab of the result; one for which there is no room waits in a menu."""
    views = page.locator("#views")
    tab = views.get_by_role("tab", name=name)
    if tab.count() and tab.is_visible():
        tab.click()
    else:
        views.get_by_label("More tabs").click()
        views.locator(".overflow-dropdown button", has_text=name).click()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    if len(sys.argv) > 1:
        url = sys.argv[1]
    else:
        sys.path.insert(0, str(ROOT))
        import app

        url = app.launch(app.build_app(), prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for device, scheme in product(DEVICES, ("light", "dark")):
            for path in shoot(browser, url, device, scheme):
                print(path)
        browser.close()


if __name__ == "__main__":
    main()
