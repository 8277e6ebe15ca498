"""The bars of serving: ``python -m tests.serving.bars deaths`` and ``python -m tests.serving.bars throughput``.

Deaths: in each of 20 paints the worker that paints is killed; all must finish, byte for byte as the codec alone paints.
Throughput: 8 clients ask one page over one worker, then over two, each worker with half of the cores; the cores that
are busy meanwhile say whether there was anything left to gain. Prints figures as JSON and exits with 1 where a bar is
missed.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from gradio_client import Client, handle_file

import app
from pipeline.codec import Codec
from pipeline.serving import cluster
from pipeline.settings import Decoder, DecodeSettings
from pipeline.ui.actions import Actions
from pipeline.ui.engine import Engine
from tests.conftest import synthetic_picture
from tests.serving import mortal

GAIN = 1.6
"""Of two workers over one."""


def deaths(paints: int, steps: int) -> bool:
    """Whether every paint with a death in it finishes, with the right pictures."""
    torch.set_num_threads(1)
    process_file = Path(tempfile.mkdtemp(), "pid")
    os.environ[mortal.NAME] = str(process_file)
    codec = Codec.from_pretrained(device="cpu")
    picture = synthetic_picture(176, 144)
    stream = codec.encode(picture, quality=0.3)
    engine = Engine(work=cluster.start(cluster.Scale(2, 2, cores=0.5), mortal.MortalWorker))
    killed, taken_up, finished, identical, seconds = set(), 0, 0, 0, []
    for seed in range(paints):
        settings = DecodeSettings(Decoder.DIFFUSION, steps, 0.4, seed)
        expected = [record.image.tobytes() for record in codec.decode(stream, settings)]
        began, records = time.monotonic(), []
        for record in engine.paint(stream, settings):
            records.append(record.image.tobytes())
            if record.step == 1 + seed % (steps // 2):
                process = int(process_file.read_text())
                os.kill(process, signal.SIGKILL)
                killed.add(process)
        seconds.append(round(time.monotonic() - began, 1))
        taken_up += int(process_file.read_text()) != process
        finished += len(records) == steps + 1
        identical += records == expected
    cluster.stop()
    figures = {
        "paints": paints,
        "killed": len(killed),
        "taken up by another": taken_up,
        "finished": finished,
        "identical": identical,
    }
    print(json.dumps(figures | {"seconds": seconds}))
    return len(killed) == taken_up == finished == identical == paints


def throughput(clients: int, runs: int, steps: int) -> bool:
    """Whether two workers do `GAIN` times what one does, with the answers of the plain page."""
    threads = max(1, (os.cpu_count() or 2) // 2)
    torch.set_num_threads(threads)
    photos = []
    for number in range(clients * runs):
        photos.append(Path(tempfile.mkdtemp(), "photo.png"))
        synthetic_picture(384, 256, number).save(photos[-1])
    plain, *_ = _asked(Engine(lambda: Codec.from_pretrained(device="cpu")), photos, 1, steps)
    figures, cores, right = {}, {}, True
    for workers in (1, 2):
        pool = cluster.start(cluster.Scale(workers, workers, cores=threads))
        answers, seconds, cores[workers] = _asked(Engine(work=pool), photos, clients, steps)
        cluster.stop()
        right &= answers == plain
        figures[workers] = len(photos) / seconds
    gain = figures[2] / figures[1]
    said = {"runs a second": figures, "busy cores": cores, "gain": round(gain, 2), "threads": threads}
    print(json.dumps(said | {"identical": right}))
    return right and gain >= GAIN


def _asked(
    engine: Engine, photos: list[Path], clients: int, steps: int
) -> tuple[list[tuple[bytes, bytes]], float, float]:
    """Stream and picture of every photo, asked for by so many clients at once, the seconds of all, and how many of this
    machine's cores were busy."""
    page = app.page_over(Actions(engine))
    page.queue(max_size=None)
    url = app.launch(page, server_name="127.0.0.1", server_port=app.free_port(), prevent_thread_lock=True, quiet=True)
    answers: list[tuple[bytes, bytes]] = [(b"", b"")] * len(photos)
    settings = {"rate": "quality", "quality": 0.3, "decoder": "diffusion", "steps": steps, "noise": 0.4, "seed": 1}

    def ask(number: int, client: Client) -> None:
        *_, stream, picture = client.predict(handle_file(photos[number]), **settings, api_name="/compress")
        answers[number] = Path(stream).read_bytes(), Path(picture).read_bytes()

    def visit(first: int) -> None:
        client = Client(url, verbose=False)
        for number in range(first, len(photos), clients):
            ask(number, client)

    ask(0, Client(url, verbose=False))
    began, busy = time.monotonic(), _busy_seconds()
    _together([lambda first=first: visit(first) for first in range(clients)])
    seconds = time.monotonic() - began
    busy = _busy_seconds() - busy
    page.close(verbose=False)
    return answers, seconds, round(busy / seconds, 2)


def _busy_seconds() -> float:
    """Of all cores, since the machine started."""
    spent = psutil.cpu_times()
    return sum(spent) - spent.idle - getattr(spent, "iowait", 0)


def _together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    bars = parser.add_subparsers(dest="bar", required=True)
    dying = bars.add_parser("deaths")
    dying.add_argument("--paints", type=int, default=20)
    dying.add_argument("--steps", type=int, default=25)
    many = bars.add_parser("throughput")
    many.add_argument("--clients", type=int, default=8)
    many.add_argument("--runs", type=int, default=4, help="of every client")
    many.add_argument("--steps", type=int, default=8)
    options = vars(parser.parse_args())
    sys.exit(not {"deaths": deaths, "throughput": throughput}[options.pop("bar")](**options))


if __name__ == "__main__":
    main()
