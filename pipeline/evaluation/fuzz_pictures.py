"""Thousands of damaged picture files, each read in a worker of bounded memory: a picture or a typed error, in time."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

SECONDS = 2.0
"""Processor time, of all threads together, that one file may take."""
GIGABYTES = 1.0
"""What a worker may take beyond what it takes at its start."""
_PATIENCE = 30.0
"""Seconds after which a worker that says nothing is stopped: more than `SECONDS`, as a machine may be busy."""
_PATIENCE_AT_START = 180.0
_WORKER = "pipeline.evaluation.fuzz_pictures_worker"


@dataclass(frozen=True)
class Reading:
    """What came of one file."""

    index: int
    format: str
    outcome: str
    """``"picture"``, ``"error"``, ``"traceback"``, ``"memory"`` or ``"crash"``."""
    seconds: float = 0.0
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        return self.outcome not in ("picture", "error") or self.seconds > SECONDS


@dataclass
class Findings:
    """Of a whole run."""

    seed: int
    files: int = 0
    slowest_seconds: float = 0.0
    limits: dict[str, float] = field(default_factory=lambda: {"seconds": SECONDS, "gigabytes": GIGABYTES})
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of each format: how many became a picture, and how many an error."""
    faults: list[dict] = field(default_factory=list)
    """The readings that were neither, or took too long."""


def fuzz(count: int, seed: int) -> Iterator[Reading]:
    """Reads ``count`` files; a worker that crashed or hung is replaced, and the next file is tried."""
    index = 0
    while index < count:
        for reading in _batch(index, count, seed):
            index = reading.index + 1
            yield reading


def collect(readings: Iterator[Reading], seed: int) -> Findings:
    """Counts what `fuzz` yields."""
    found, counts = Findings(seed), {}
    for reading in readings:
        found.files += 1
        found.slowest_seconds = max(found.slowest_seconds, reading.seconds)
        counts.setdefault(reading.format, Counter())[reading.outcome] += 1
        if reading.is_fault:
            found.faults.append(asdict(reading))
    found.outcomes = {name: dict(sorted(counts[name].items())) for name in sorted(counts)}
    return found


def _batch(start: int, stop: int, seed: int) -> Iterator[Reading]:
    """Readings of one worker until it ends, crashes or hangs."""
    command = [sys.executable, "-m", _WORKER, str(start), str(stop), str(seed)]
    environment = os.environ | {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as worker:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in (*worker.stdout, "")], daemon=True).start()
        following = start
        while following < stop:
            try:
                line = lines.get(timeout=_PATIENCE_AT_START if following == start else _PATIENCE)
            except queue.Empty:
                line = ""
            if not line:
                worker.kill()
                yield Reading(following, "unknown", "crash", detail=f"the worker ended with {worker.wait()}")
                return
            reading = Reading(**json.loads(line))
            following = reading.index + 1
            yield reading
