"""Runs numbered cases in worker processes that may hang, crash or run out of memory without ending the run."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Protocol

import psutil
import torch

_PATIENCE = 60
"""A worker is killed after this many times the seconds of processor time that its case may take, on the clock."""
_POLL_SECONDS = 0.5
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"}
"""Of the workers: address space that threads reserve without using it must not count as memory."""


class Target(Protocol):
    """What is fuzzed."""

    def seconds(self, index: int) -> float:
        """Processor time that a case may take."""

    def __call__(self, index: int) -> str:
        """Runs a case and says what came of it; what it raises counts as a fault."""


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    index: int
    label: str
    fault: bool
    """A crash, a hang, too much memory, or an exception."""
    seconds: float
    """Processor time; on the clock for a worker that was killed."""


@dataclass
class _Worker:
    process: multiprocessing.Process
    pipe: Connection
    indexes: range
    """What is left for it to do, the case that it is at included."""
    seconds: float = 600.0
    """May pass before the next message; much at first, for models to load."""
    since: float = 0.0

    def blame(self, label: str) -> Result:
        self.process.kill()
        self.process.join()
        return Result(self.indexes[0], label, True, time.monotonic() - self.since)


def run_cases(make_target: Callable[[], Target], count: int, workers: int, gigabytes: float) -> Iterator[Result]:
    """Runs cases ``0 ... count - 1`` of a target, in any order.

    Args:
        make_target: picklable; called once in each worker.
        gigabytes: address space that a case may take, beyond what its worker takes when its target is made.
    """
    context = multiprocessing.get_context("spawn")

    def start(indexes: range) -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, make_target, indexes, gigabytes), daemon=True)
        with _environment(_ENVIRONMENT):
            process.start()
        theirs.close()
        return _Worker(process, ours, indexes, since=time.monotonic())

    running = [start(range(first, count, workers)) for first in range(min(workers, count))]
    try:
        while running:
            wait([worker.pipe for worker in running], _POLL_SECONDS)
            for place, worker in enumerate(running):
                result = _heard(worker)
                if result is None:
                    continue
                yield result
                worker.indexes = worker.indexes[1:]
                if result.fault and worker.indexes and not worker.process.is_alive():
                    running[place] = start(worker.indexes)
            running = [worker for worker in running if worker.indexes]
    finally:
        for worker in running:
            worker.process.kill()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """The variables, within the block, in the environment that new processes inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _heard(worker: _Worker) -> Result | None:
    """The next result of a worker; None while there is none."""
    try:
        if worker.pipe.poll():
            message = worker.pipe.recv()
            worker.since = time.monotonic()
            if isinstance(message, Result):
                return message
            worker.seconds = message
            return None
    except (EOFError, ConnectionResetError):
        worker.process.join()
        return worker.blame(f"crash (exit code {worker.process.exitcode})")
    if time.monotonic() - worker.since > worker.seconds:
        return worker.blame("hang")
    return None


def _work(pipe: Connection, make_target: Callable[[], Target], indexes: range, gigabytes: float) -> None:
    torch.set_num_threads(1)
    target = make_target()
    space = psutil.Process().memory_info().vms + int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    for index in indexes:
        pipe.send(_PATIENCE * target.seconds(index))
        pipe.send(_run(target, index))


def _run(target: Target, index: int) -> Result:
    begun = time.process_time()
    try:
        label, fault = target(index), False
    except MemoryError:
        label, fault = "out of memory", True
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        label, fault = ("out of memory" if "allocate memory" in text else text), True
    seconds = time.process_time() - begun
    if not fault and seconds > target.seconds(index):
        label, fault = "too slow", True
    return Result(index, label, fault, seconds)
