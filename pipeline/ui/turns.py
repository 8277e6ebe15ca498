"""Stop, and whatever else ends a run of a session before its time.

Gradio's own ``cancels=`` reaches a run only after the browser has heard the run's name, and is lost before. So every
run asks the session's `Turns` between its steps whether it is still the one that should go on.
"""

import asyncio
from dataclasses import dataclass

import gradio as gr
from gradio.server_messages import ProcessCompletedMessage

_TRIES, _PAUSE = 50, 0.1
"""How often to look for a run that is on its way into the queue, and the seconds between."""


class Stopped(Exception):
    """The run was stopped, or another one has taken its place."""


@dataclass
class Turns:
    """Which run of a session may go on. Kept in the session's state, where a running run sees it change."""

    now: int = 0
    """The number of the run that may go on; 0 is the one the page begins with."""
    begun: int = 0
    """The number given out last."""
    started: bool = True
    """Whether the run that was begun last has come to work."""
    opening: bool = False
    """Whether the run that the page begins with is at work."""

    def begin(self) -> None:
        """A run comes that ends whatever runs now."""
        self.now = self.begun = self.begun + 1
        self.started = False

    def join(self) -> None:
        """A run comes that leaves others alone."""
        if self.now != self.begun:
            self.begin()
        self.started = False

    def stop(self) -> None:
        """Ends everything that was begun."""
        self.now = -1

    def take(self) -> "Turn":
        """The run that was begun last comes to work."""
        self.started = True
        return Turn(self, self.begun)

    @property
    def expecting(self) -> bool:
        """Whether a run was begun that may go on and has not come to work yet."""
        return self.now == self.begun and not self.started

    @property
    def lost(self) -> bool:
        """Whether the last run was stopped before it came to work."""
        return self.now != self.begun and not self.started


def go_on() -> None:
    """The check of what nobody stops; it can be pickled, as ZeroGPU asks."""


@dataclass(frozen=True)
class Turn:
    """To be called between the steps of a run."""

    turns: Turns
    number: int = 0

    def __call__(self) -> None:
        """Raises `Stopped` once the run should end."""
        if self.turns.now != self.number:
            raise Stopped


async def leave_queue(page: gr.Blocks, session: str | None, concurrency_id: str, turns: Turns) -> None:
    """Takes the stopped run of a session out of the queue, as Gradio's cancelling does, if it waits there or is about
    to.

    Uses the queue's own fields: there is no public way to name an event that the browser has not been told of yet.
    """
    if session is None:
        return
    queue = page._queue
    waiting = queue.event_queue_per_concurrency_id[concurrency_id].queue
    for _ in range(_TRIES):
        if not turns.lost:
            return
        for event in [event for event in waiting if event.session_hash == session]:
            await queue.remove_from_queue(event._id)
            if event._id in queue.pending_event_ids_session.get(session, ()):
                output = {"data": [gr.skip() for _ in event.fn.outputs]}
                message = ProcessCompletedMessage(output=output, success=True, event_id=event._id)
                queue.pending_messages_per_session[session].put_nowait(message)
        await asyncio.sleep(_PAUSE)
