"""When a run ends before its last step: by a signal, or because its time is over."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

Handler = Callable[[int, FrameType | None], Any] | int | None
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Takes note of SIGINT and SIGTERM while it is entered, so that the loop can end after a whole step.

    A second signal does what it did before. Outside of the main thread only the time counts.
    """

    def __init__(self, minutes: float | None):
        """``minutes`` from now on; None for no limit."""
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signalled = False
        self._before: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) or signal.SIG_DFL for number in _SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore()

    @property
    def asked(self) -> bool:
        """Whether the run should end now."""
        return self._signalled or (self._deadline is not None and time.monotonic() >= self._deadline)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
