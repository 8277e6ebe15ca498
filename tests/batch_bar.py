"""The bar of folders: ``python -m tests.batch_bar FOLDER --count 200 --broken 3``.

Makes so many pictures of those in a folder (or synthetic ones), some of them broken, starts ``compress`` on them, kills
it and its workers half-way, resumes it, and compares every stream with the picture's own, made by itself in this
process. Ends with exit code 1 where anything differs. It takes one thread, as its workers do.
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from PIL import Image

from pipeline.batch.journal import JOURNAL
from pipeline.codec import Codec
from pipeline.images import load_image
from pipeline.settings import DEFAULT_ALLOCATIONS, SystemName
from tests.conftest import EXAMPLES

ROOT = Path(__file__).resolve().parent.parent
_SPAN = 20
"""Pictures that are made of one original, each cropped otherwise."""


@dataclass(frozen=True)
class Outcome:
    """What came of a killed and resumed run."""

    made_before: int
    """Streams that were there when it was killed."""
    identical: int
    different: list[str]
    reported: int
    half_written: list[str]
    exit_code: int


def make_pictures(folder: Path, sources: list[Path], count: int, broken: int, size: tuple[int, int]) -> None:
    """``count`` JPEG and PNG files in sub-folders of ten, the ``broken`` ones evenly among them."""
    width, height = size
    bad = {round((index + 0.5) * count / broken) for index in range(broken)}
    for index in range(count):
        with Image.open(sources[index // _SPAN % len(sources)]) as file:
            image = file.convert("RGB")
        shift = index % _SPAN * 3
        picture = image.resize((width + 60, height + 60)).crop((shift, shift, shift + width, shift + height))
        path = folder / f"{index // 10:03}" / f"{index:04}.{'jpg' if index % 2 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
        if index in bad:
            path.write_bytes(path.read_bytes()[:100])


def kill_and_resume(folder: Path, out: Path, count: int, broken: int, options: list[str]) -> Outcome:
    """Kills a run with SIGKILL once half of the streams are there, then runs it to its end."""
    command = [sys.executable, "-m", "pipeline", "compress", str(folder), str(out), *options]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while len(list(out.rglob("*.bbr"))) < (count - broken) // 2:
        if running.poll() is not None:
            raise RuntimeError(f"the run ended by itself, with exit code {running.returncode}")
        time.sleep(0.05)
    workers = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGKILL)
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    running.wait()
    made_before = len(list(out.rglob("*.bbr")))
    resumed = subprocess.run([*command, "--resume"], cwd=ROOT, capture_output=True, text=True, check=False)
    codec = Codec.from_pretrained(device="cpu")
    identical, different = 0, []
    streams = {path for path in out.rglob("*.bbr")}
    for stream in streams:
        picture = folder / stream.relative_to(out).with_suffix("")
        same = stream.read_bytes() == codec.encode(
            load_image(picture), quality=0.3, allocation=DEFAULT_ALLOCATIONS[SystemName.STANDARD]
        )
        identical += same
        if not same:
            different.append(str(picture))
    with open(out / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    known = streams | {out / JOURNAL, out / "results.csv"}
    half = [str(path) for path in out.rglob("*") if path.is_file() and path not in known]
    complete = len(rows) == count and sum(not row["error"] for row in rows) == len(streams)
    reported = resumed.stderr.count("Error: ") if complete else -1
    return Outcome(made_before, identical, different, reported, half, resumed.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLES)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--broken", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--size", type=int, nargs=2, default=(192, 128))
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    sources = sorted(path for path in given.folder.iterdir() if path.suffix in {".png", ".jpg", ".webp"})
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name, "photos"), Path(name, "out")
        make_pictures(folder, sources, given.count, given.broken, tuple(given.size))
        began = time.monotonic()
        options = ["--quality", "0.3", "--workers", str(given.workers)]
        outcome = kill_and_resume(folder, out, given.count, given.broken, options)
        print(outcome, f"in {time.monotonic() - began:.0f} s")
    whole = outcome.identical == given.count - given.broken and outcome.reported == given.broken
    sys.exit(not (whole and not outcome.different and not outcome.half_written and outcome.exit_code == 1))


if __name__ == "__main__":
    main()
