"""Work for worker processes that does something else in each case; they import it."""

import os
import signal
import time
from pathlib import Path


class Misbehaving:
    def seconds(self, index: int) -> float:
        return 0.05

    def __call__(self, index: int) -> str:
        if index == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if index == 2:
            time.sleep(600)
        if index == 3:
            raise KeyError("broken")
        if index == 4:
            return str(len(bytearray(2 * 10**9)))
        if index == 5:
            begun = time.process_time()
            while time.process_time() - begun < 0.06:
                pass
        return "fine"


class Doubling:
    """Doubles numbers and adds what the environment says; a negative one is a signal that it sends itself."""

    def patience(self, task: int) -> float:
        return 600

    def __call__(self, task: int) -> int:
        if task < 0:
            os.kill(os.getpid(), -task)
        return 2 * task + int(os.environ["BITBRUSH_TEST"])


class Late:
    """Writes a file after two seconds: the task, whose folder says when it is at work."""

    def patience(self, task: str) -> float:
        return 600

    def __call__(self, task: str) -> None:
        Path(task).with_suffix(".begun").touch()
        time.sleep(2)
        Path(task).touch()


def unable() -> Doubling:
    raise MemoryError
