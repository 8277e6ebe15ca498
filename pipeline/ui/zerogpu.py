"""Hugging Face ZeroGPU: model work runs in a process that borrows a GPU for as long as the work is expected to take.

Everywhere else the functions stay as they are. ``app.py`` sees to it that ``spaces`` is imported before torch.
"""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import gradio as gr

from pipeline.errors import BitbrushError
from pipeline.settings import DecodeSettings
from pipeline.ui.turns import go_on

ENCODE_SECONDS = 30
START_SECONDS = 15
STEP_SECONDS = 0.5
"""Of a 24-megapixel picture; smaller ones give their GPU back early."""

if os.environ.get("SPACES_ZERO_GPU"):
    import spaces
else:
    spaces = None


def duration(*arguments: Any) -> int:
    """Seconds of GPU to ask for, from the arguments of `Engine`'s encoding or decoding."""
    steps = [each.num_inference_steps for each in arguments if isinstance(each, DecodeSettings)]
    return round(START_SECONDS + STEP_SECONDS * steps[0]) if steps else ENCODE_SECONDS


def portable(check: Callable[[], None]) -> Callable[[], None]:
    """``check`` for work that is `on_gpu`: in a process of its own it would ask a copy of the session, which hears no
    stop."""
    return go_on if spaces else check


def on_gpu(work: Callable[..., Any]) -> Callable[..., Any]:
    """``work``, a function or generator function, decorated for ZeroGPU where that is; to be called at start-up."""
    return spaces.GPU(told_errors(work), duration=duration) if spaces else work


def told_errors(work: Callable[..., Any]) -> Callable[..., Any]:
    """``work`` whose errors keep their sentences on the way out of its process, which lets only Gradio's pass."""
    if inspect.isgeneratorfunction(work):

        @wraps(work)
        def generate(*arguments: Any, **options: Any) -> Iterator[Any]:
            with _told():
                yield from work(*arguments, **options)

        return generate

    @wraps(work)
    def call(*arguments: Any, **options: Any) -> Any:
        with _told():
            return work(*arguments, **options)

    return call


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BitbrushError as error:
        raise gr.Error(str(error), print_exception=False) from error
