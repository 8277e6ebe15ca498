"""The page under many clients at once, one of them hostile: ``python -m tests.soak [--minutes 10] [--clients 8]``.

Every client asks for the same photo and must get the same bytes; the hostile one sends what nobody should, and leaves
in the middle of runs. After a first round, memory and files must not grow. Prints the figures as JSON and exits with 1
where one is off.
"""

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from PIL import Image

import app
from pipeline.ui import files
from tests.conftest import EXAMPLES

SETTINGS = {"rate": "quality", "quality": 0.3, "decoder": "flow", "steps": 2, "noise": 0.4, "seed": 1}
FILE_BYTES = 50_000_000
"""What the page may keep in this test, so that its bound is reached within minutes."""
GROWTH_BYTES = 150_000_000
"""Of memory, from the first fifth of the time to the end."""
HOSTILE = (
    None, 5, "x" * 100_000, [], {}, {"path": "/etc/hostname"}, {"url": "http://localhost/"}, math.pi, True,
)  # fmt: skip


class Soak:
    def __init__(self, url: str, photo: Path, seconds: float):
        self._url, self._photo = url, photo
        self._end = time.monotonic() + seconds
        self.answers: set[tuple[bytes, bytes]] = set()
        self.waits: list[float] = []
        self.full = self.attacks = 0
        self.errors: list[str] = []

    @property
    def over(self) -> bool:
        return time.monotonic() > self._end

    def visit(self) -> None:
        """A client that asks again and again, sometimes in a new session."""
        while not self.over:
            client = Client(self._url, verbose=False)
            for _ in range(5):
                started = time.monotonic()
                try:
                    *_, stream, picture = client.predict(handle_file(self._photo), **SETTINGS, api_name="/compress")
                except Exception as error:
                    if "queue is full" in str(error).lower():
                        self.full += 1
                    else:
                        self.errors.append(str(error))
                    continue
                self.waits.append(time.monotonic() - started)
                self.answers.add((Path(stream).read_bytes(), Image.open(picture).tobytes()))
                if self.over:
                    return

    def attack(self) -> None:
        """A client that sends junk and false streams, and hangs up."""
        dice = random.Random(0)
        folder = Path(tempfile.mkdtemp())
        while not self.over:
            self.attacks += 1
            kind = dice.randrange(3)
            try:
                if kind == 0:
                    data = [dice.choice(HOSTILE) for _ in range(11)]
                    httpx.post(f"{self._url}/gradio_api/call/compress", json={"data": data}, timeout=30)
                elif kind == 1:
                    path = folder / f"{self.attacks}.bbr"
                    path.write_bytes(b"BBR\1" + dice.randbytes(dice.randrange(2000)))
                    Client(self._url, verbose=False).predict(handle_file(path), api_name="/decompress")
                else:
                    client = Client(self._url, verbose=False)
                    job = client.submit(handle_file(self._photo), **SETTINGS | {"steps": 100}, api_name="/compress")
                    time.sleep(dice.random())
                    job.cancel()
            except Exception:  # whatever the answer to an attack is
                continue


def used(folder: Path) -> int:
    """Bytes of the page's result files."""
    total = 0
    for path in folder.glob("bitbrush-*/**/*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8, help="of which one is hostile")
    options = parser.parse_args()
    files.KEPT_BYTES = FILE_BYTES
    page = app.build_app()
    url = app.launch(page, server_name="127.0.0.1", server_port=app.free_port(), prevent_thread_lock=True, quiet=True)
    photo = Path(tempfile.mkdtemp(), "photo.png")
    with Image.open(EXAMPLES / "cat.png") as image:
        image.convert("RGB").resize((240, 160)).save(photo)
    Client(url, verbose=False).predict(handle_file(photo), **SETTINGS, api_name="/compress")

    soak = Soak(url.rstrip("/"), photo, options.minutes * 60)
    threads = [threading.Thread(target=soak.visit) for _ in range(options.clients - 1)]
    threads.append(threading.Thread(target=soak.attack))
    for thread in threads:
        thread.start()
    time.sleep(options.minutes * 60 / 5)
    process, folder = psutil.Process(), Path(get_upload_folder())
    before = process.memory_info().rss
    for thread in threads:
        thread.join()
    figures = {
        "minutes": options.minutes,
        "answers": len(soak.waits),
        "different answers": len(soak.answers),
        "attacks": soak.attacks,
        "refused by a full queue": soak.full,
        "errors": soak.errors[:5],
        "median wait": round(statistics.median(soak.waits), 2),
        "p95 wait": round(statistics.quantiles(soak.waits, n=20)[-1], 2),
        "memory growth in MB": round((process.memory_info().rss - before) / 1e6, 1),
        "result files in MB": round(used(folder) / 1e6, 1),
    }
    page.close(verbose=False)
    print(json.dumps(figures, indent=1))
    sound = (
        len(soak.answers) == 1
        and not soak.errors
        and figures["memory growth in MB"] * 1e6 < GROWTH_BYTES
        and figures["result files in MB"] * 1e6 < 1.5 * FILE_BYTES
    )
    sys.exit(not sound)


if __name__ == "__main__":
    main()
