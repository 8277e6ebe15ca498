"""Pictures of the page with a finished result, for people to look at: ``python tests/screenshots.py [URL]``.

Desktop and phone, light and dark, into the git-ignored folder ``out/``. Without a URL the app is started first.
"""

import shutil
import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out"
DEVICES = {"desktop": (1280, 900), "phone": (390, 844)}
STEPS = "6"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def shoot(browser: Browser, url: str, device: str, scheme: str) -> Path:
    """Runs the default example on a fresh page and photographs the whole of it."""
    width, height = DEVICES[device]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.get_by_label("number input for Sampling steps").fill(STEPS)
    page.get_by_label("number input for Sampling steps").press("Tab")
    page.locator("#run").click()
    page.locator("table.scores").wait_for(timeout=300_000)
    page.wait_for_timeout(1000)
    path = OUT / f"{device}-{scheme}.png"
    page.screenshot(path=path, full_page=True)
    context.close()
    return path


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
            print(shoot(browser, url, device, scheme))
        browser.close()


if __name__ == "__main__":
    main()
