"""Tasks in worker processes: one that crashes or hangs costs the task it was at, and nothing else."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, Protocol, TypeVar

from pipeline.errors import BitbrushError

_STARTING_SECONDS = 600.0
"""May pass until a worker has loaded what it needs and takes its first task."""
_POLL_SECONDS = 0.5

Task = TypeVar("Task")
Answer = TypeVar("Answer")
TaskIn = TypeVar("TaskIn", contravariant=True)
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Work(Protocol[TaskIn, AnswerOut]):
    """What a worker process does, task after task."""

    def patience(self, task: TaskIn, /) -> float:
        """Seconds on the clock after which the worker is killed; infinite for never."""

    def __call__(self, task: TaskIn, /) -> AnswerOut:
        """Does a task. What it raises ends the worker, as a crash does."""


@dataclass(frozen=True)
class Done(Generic[Task, Answer]):
    """A task with its answer."""

    task: Task
    answer: Answer


@dataclass(frozen=True)
class Lost(Generic[Task]):
    """A task at which its worker ended."""

    task: Task
    reason: str
    seconds: float
    """On the clock, since the task began."""


@dataclass(frozen=True)
class _Began:
    """A worker's message: it takes the task that was sent, and may be killed after so many seconds."""

    patience: float


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Any
    """What it is at."""
    began: bool = False
    """Whether it took a task yet, and so has loaded what it needs."""
    seconds: float = _STARTING_SECONDS
    """May pass before the next message."""
    since: float = 0.0

    def give(self, task: Any) -> None:
        self.task = task
        self.since = time.monotonic()
        with suppress(BrokenPipeError):  # it ended while it waited; `_heard` will find out
            self.pipe.send(task)

    def end(self) -> int | None:
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return self.process.exitcode


def run(
    make: Callable[[], Work[Task, Answer]], tasks: Iterable[Task], workers: int, environment: dict[str, str]
) -> Iterator[Done[Task, Answer] | Lost[Task]]:
    """Does every task in one of so many new processes; results come in any order.

    No process outlives the iterator, nor this process: workers end with it, whatever they are at. Ctrl-C at a terminal
    reaches this process alone.

    Args:
        make: picklable; called once in each worker.
        tasks: picklable.
        environment: variables of the workers beyond those of this process.

    Raises:
        BitbrushError: a worker ended before it took its first task.
    """
    context = multiprocessing.get_context("spawn")
    waiting = iter(tasks)
    running: list[_Worker] = []

    def start() -> None:
        for task in waiting:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, make), daemon=True)
            with _variables(environment):
                process.start()
            theirs.close()
            running.append(_Worker(process, ours, task))
            running[-1].give(task)
            return

    try:
        for _ in range(workers):
            start()
        while running:
            wait([worker.pipe for worker in running], _POLL_SECONDS)
            for worker in tuple(running):
                result = _heard(worker)
                if result is None:
                    continue
                yield result
                if isinstance(result, Lost):
                    running.remove(worker)
                    start()
                    continue
                for task in waiting:
                    worker.give(task)
                    break
                else:
                    worker.end()
                    running.remove(worker)
    finally:
        for worker in running:
            worker.end()


@contextmanager
def _variables(variables: dict[str, str]) -> Iterator[None]:
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


def _heard(worker: _Worker) -> Done[Any, Any] | Lost[Any] | None:
    """What came of the task that a worker is at; None while it is at it."""
    elapsed = time.monotonic() - worker.since
    try:
        if worker.pipe.poll():
            message = worker.pipe.recv()
            worker.since = time.monotonic()
            if not isinstance(message, _Began):
                return Done(worker.task, message)
            worker.began, worker.seconds = True, message.patience
            return None
    except (EOFError, ConnectionError):  # a broken pipe on Windows
        worker.process.join()
        return _lost(worker, f"crash (exit code {worker.end()})", elapsed)
    if elapsed > worker.seconds:
        worker.end()
        return _lost(worker, "hang", elapsed)
    return None


def _lost(worker: _Worker, reason: str, seconds: float) -> Lost[Any]:
    if not worker.began:
        raise BitbrushError(f"A worker process did not start: {reason}. Try fewer workers; each needs its own memory.")
    return Lost(worker.task, reason, seconds)


def _work(pipe: Connection, make: Callable[[], Work[Any, Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work = make()
    with suppress(EOFError, ConnectionError):  # whoever gave the tasks has gone
        while True:
            task = pipe.recv()
            pipe.send(_Began(work.patience(task)))
            pipe.send(work(task))


def _end_with_parent() -> None:
    """A worker that went on without its parent could overwrite what a later run has made."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
