"""Hugging Face ZeroGPU: model work runs in a process that borrows a GPU for as long as the work is expected to take.

Everywhere else the functions stay as they are. ``app.py`` sees to it that ``spaces`` is imported before torch.
"""

import os
from collections.abc import Callable
from typing import Any

from pipeline.settings import DecodeSettings

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


def on_gpu(work: Callable[..., Any]) -> Callable[..., Any]:
    """``work``, a function or generator function, decorated for ZeroGPU where that is; to be called at start-up."""
    return spaces.GPU(work, duration=duration) if spaces else work
