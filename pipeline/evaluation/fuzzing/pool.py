"""Runs numbered cases in worker processes that may hang, crash or run out of memory without ending the run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import psutil
import torch

from pipeline import processes

_PATIENCE = 60
"""A worker is killed after this many times the seconds of processor time that its case may take, on the clock."""
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


def run_cases(make_target: Callable[[], Target], count: int, workers: int, gigabytes: float) -> Iterator[Result]:
    """Runs cases ``0 ... count - 1`` of a target, in any order.

    Args:
        make_target: picklable; called once in each worker.
        gigabytes: address space that a case may take, beyond what its worker takes when its target is made.
    """
    make = partial(_Bounded.make, make_target, gigabytes)
    for result in processes.run(make, range(count), workers, _ENVIRONMENT):
        if isinstance(result, processes.Lost):
            yield Result(result.task, result.reason, True, result.seconds)
        else:
            yield result.answer


@dataclass(frozen=True)
class _Bounded:
    """The work of a process of bounded memory."""

    target: Target

    @classmethod
    def make(cls, make_target: Callable[[], Target], gigabytes: float) -> "_Bounded":
        import resource  # there is none on Windows, where the command line is to start all the same

        torch.set_num_threads(1)
        target = make_target()
        space = psutil.Process().memory_info().vms + int(gigabytes * 1e9)
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
        return cls(target)

    def patience(self, index: int) -> float:
        return _PATIENCE * self.target.seconds(index)

    def __call__(self, index: int) -> Result:
        begun = time.process_time()
        try:
            label, fault = self.target(index), False
        except MemoryError:
            label, fault = "out of memory", True
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            label, fault = ("out of memory" if "allocate memory" in text else text), True
        seconds = time.process_time() - begun
        if not fault and seconds > self.target.seconds(index):
            label, fault = "too slow", True
        return Result(index, label, fault, seconds)
