"""Measures what a visitor costs: ``python -m pipeline.serving.measure --machine "two cores of ..."``.

Page and codec run in this process, every visit alone and on one core, the browser in one more thread. That thread's
CPU time and the codec's are known; what is left of the process's is the page's. Rewrites ``costs.json``.
"""

import argparse
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
from PIL import Image

import app
from pipeline.arrays import UInt8
from pipeline.metrics import Scores
from pipeline.pictures import load_image
from pipeline.serving.costs import COSTS, Costs, Visit, save_costs
from pipeline.serving.packing import pack
from pipeline.serving.visitor import Visitor
from pipeline.settings import DecodeSettings
from pipeline.ui.actions import Actions
from pipeline.ui.choices import EXAMPLES, PRESETS
from pipeline.ui.engine import Engine
from pipeline.ui.work import Check, Encoded, LocalWork, TimedSteps

KINDS = (("Balanced", (768, 512), 0.7), ("Tiny", (768, 512), 0.2), ("Balanced", (1536, 1024), 0.1))
"""Preset, width and height, and share of the visits: an assumption, no statistics."""
_KILOBYTES = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""


class MeteredWork(LocalWork):
    """`LocalWork` on one core that counts its CPU-seconds, and the bytes that would travel if it were elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.bytes = 0

    def encode(self, image: Image.Image, check: Check, **options: Any) -> Encoded:
        with self._metered():
            encoded = super().encode(image, check, **options)
        self.bytes += 3 * image.width * image.height + len(encoded.stream)
        return encoded

    def decode(self, stream: bytes, settings: DecodeSettings, check: Check = lambda: None) -> TimedSteps:
        self.bytes += len(stream)
        steps = super().decode(stream, settings, check)
        while True:
            with self._metered():
                timed = next(steps, None)
                if timed is None:
                    return
                self.bytes += len(pack(*timed).pixels)
            yield timed

    def measure(self, original: UInt8, picture: UInt8) -> Scores:
        self.bytes += original.nbytes + picture.nbytes
        with self._metered():
            return super().measure(original, picture)

    @contextmanager
    def _metered(self) -> Iterator[None]:
        torch.set_num_threads(1)  # so that all of it is this thread's
        began = time.thread_time()
        try:
            yield
        finally:
            self.seconds += time.thread_time() - began


def measure(machine: str) -> Costs:
    """One visit of every kind, after one that loads the models."""
    work = MeteredWork()
    page = app.page_over(Actions(Engine(work=work)))
    url = app.launch(page, server_name="127.0.0.1", server_port=app.free_port(), prevent_thread_lock=True, quiet=True)
    page_memory = psutil.Process().memory_info().rss
    with tempfile.TemporaryDirectory() as name:
        photo = Path(name, "photo.png")
        _picture((384, 256)).save(photo)
        for preset in ("Balanced", "Tiny"):
            _visit(url, work, photo, preset)
        visits = []
        for preset, size, share in KINDS:
            _picture(size).save(photo)
            worker, page_seconds, visitor = _visit(url, work, photo, preset)
            visits.append(
                Visit(
                    f"{preset}, {size[0]} × {size[1]}",
                    share,
                    round(size[0] * size[1] / 1e6, 2),
                    round(worker, 2),
                    round(page_seconds, 2),
                    visitor.uploaded,
                    visitor.downloaded,
                    work.bytes,
                )
            )
    page.close(verbose=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES
    return Costs(machine, page_memory, peak, tuple(visits))


def _picture(size: tuple[int, int]) -> Image.Image:
    """An example photo of this size."""
    return load_image(EXAMPLES["coffee"]).resize(size, Image.Resampling.LANCZOS)


def _visit(url: str, work: MeteredWork, photo: Path, preset: str) -> tuple[float, float, Visitor]:
    """CPU-seconds of codec and page, and the visitor with the bytes that travelled."""
    chosen = next(each for each in PRESETS if each.name == preset)
    work.seconds, work.bytes = 0.0, 0
    visitor, began = Visitor(url), time.process_time()
    thread = threading.Thread(target=visitor.run, args=(photo, chosen))
    thread.start()
    thread.join()
    if visitor.error is not None:
        raise visitor.error
    return work.seconds, time.process_time() - began - work.seconds - visitor.seconds, visitor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--machine", required=True, help='its kind in general terms, such as "one core of a server CPU"'
    )
    parser.add_argument("--out", type=Path, default=COSTS)
    options = parser.parse_args()
    costs = measure(options.machine)
    save_costs(costs, options.out)
    for visit in costs.visits:
        print(f"{visit.name}: {visit.worker_seconds} s of a worker, {visit.page_seconds} s of the page")


if __name__ == "__main__":
    main()
