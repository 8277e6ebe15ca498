"""LPIPS (Zhang et al. 2018, arXiv 1801.03924): which backbone there is, its name, and the distance.

The ``lpips`` package ships its linear heads only; the ImageNet backbones are torchvision's files in the torch hub
folder (``TORCH_HOME``). Preference: AlexNet, the convention of the field, then SqueezeNet, then the network of ours
that was distilled from it and ships in ``checkpoints/``. A missing file is asked for once, briefly.
``BITBRUSH_OFFLINE=1`` forbids that, ``BITBRUSH_LPIPS=alex|squeeze|distilled`` insists on one network.
"""

import functools
import hashlib
import os
import threading
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import SettingsError
from pipeline.files import atomic_path

if TYPE_CHECKING:
    from lpips import LPIPS

MIN_SIDE = 32
"""The pooling stages need this many pixels; below it there is no LPIPS."""
WHOLE_PIXELS = 2_000_000
"""Larger pictures are measured tile by tile, so that memory stays bounded."""
TILE = 1024
HOST = "https://download.pytorch.org/models/"
CONNECT_SECONDS = 3.0
PATIENCE_SECONDS = 8.0
INSISTING_PATIENCE_SECONDS = 300.0
"""How long a download may take when ``BITBRUSH_LPIPS`` asks for this very network."""


@dataclass(frozen=True)
class Backbone:
    """An ImageNet network as torchvision publishes it."""

    key: str
    """The name by which ``lpips.LPIPS(net=…)`` knows it."""
    label: str
    file_name: str
    """``NAME-HASH.pth``, the hash being the first digits of the file's SHA-256."""

    @property
    def path(self) -> Path:
        return Path(torch.hub.get_dir(), "checkpoints", self.file_name)


BACKBONES = {
    "alex": Backbone("alex", "AlexNet", "alexnet-owt-7be5be79.pth"),
    "squeeze": Backbone("squeeze", "SqueezeNet", "squeezenet1_1-b8a52dc0.pth"),
}
DISTILLED = "distilled"
"""The key of `pipeline.metrics.distilled.DistilledSqueezeNet`, the last choice."""
DISTILLED_FOLDER = Path(__file__).resolve().parents[2] / "checkpoints" / "lpips"


def lpips_name() -> str | None:
    """The network behind the LPIPS numbers, such as "LPIPS (AlexNet)", or None where none can be had.

    Raises:
        SettingsError: ``BITBRUSH_LPIPS`` names no known network.
    """
    key = _network_in_use()
    if key is None:
        return None
    return f"LPIPS ({BACKBONES[key].label if key in BACKBONES else key})"


def lpips_distance(original: np.ndarray, picture: np.ndarray) -> float | None:
    """LPIPS of two ``(H, W, 3)`` uint8 pictures; None when a side is below `MIN_SIDE` or there is no network."""
    key = _network_in_use() if min(original.shape[:2]) >= MIN_SIDE else None
    return None if key is None else distance_by(key, original, picture)


def distance_by(key: str, original: np.ndarray, picture: np.ndarray) -> float:
    """LPIPS of two ``(H, W, 3)`` uint8 pictures by an available network.

    Above `WHOLE_PIXELS` it is the mean over non-overlapping tiles of about `TILE` pixels a side, weighted by area.
    """
    network = load_network(key)
    height, width = original.shape[:2]
    total = 0.0
    with torch.inference_mode():
        for rows, columns in _tiles(height, width):
            pair = [to_network_range(array[rows, columns]) for array in (original, picture)]
            total += float(network(*pair)) * pair[0].shape[2] * pair[0].shape[3]
    return total / (height * width)


def to_network_range(picture: np.ndarray) -> Tensor:
    """``(H, W, 3)`` uint8 -> ``(1, 3, H, W)`` float32 in [-1, 1]."""
    return torch.tensor(picture).permute(2, 0, 1)[None].float() / 127.5 - 1


def is_available(key: str) -> bool:
    """Whether the backbone ``key`` of `BACKBONES` is in the hub folder, or was just fetched into it.

    `DISTILLED` is part of the checkpoints.
    """
    if key == DISTILLED:
        return DISTILLED_FOLDER.exists()
    backbone = BACKBONES[key]
    if backbone.path.exists():
        return True
    return os.environ.get("BITBRUSH_OFFLINE") != "1" and _reachable() and _fetch(backbone)


@functools.cache
def load_network(key: str) -> "LPIPS":
    """The ``lpips`` network on an available backbone, on the CPU, frozen, in evaluation mode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        if key != DISTILLED:
            return lpips.LPIPS(net=key, verbose=False).requires_grad_(False)
        from pipeline.metrics.distilled import DistilledSqueezeNet

        network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
        network.net = DistilledSqueezeNet.from_pretrained(
            DISTILLED_FOLDER, torch_dtype=torch.float32, low_cpu_mem_usage=False
        )
        return network.eval().requires_grad_(False)


def _network_in_use() -> str | None:
    known = [*BACKBONES, DISTILLED]
    forced = os.environ.get("BITBRUSH_LPIPS")
    if forced and forced not in known:
        raise SettingsError(f"BITBRUSH_LPIPS must be one of {', '.join(known)}, not “{forced}”.")
    return next((key for key in ([forced] if forced else known) if is_available(key)), None)


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Slices that cover the picture without overlap: one up to `WHOLE_PIXELS`, else near-equal ones up to `TILE`."""
    if height * width <= WHOLE_PIXELS:
        yield slice(height), slice(width)
        return
    tops, lefts = (np.linspace(0, side, -(-side // TILE) + 1, dtype=int) for side in (height, width))
    for top, bottom in pairwise(tops):
        for left, right in pairwise(lefts):
            yield slice(top, bottom), slice(left, right)


@functools.cache
def _reachable() -> bool:
    """One short look at the host; in a thread, because the name look-up knows no time limit."""
    answers: list[bool] = []

    def ask() -> None:
        request = urllib.request.Request(HOST + BACKBONES["squeeze"].file_name, method="HEAD")
        with suppress(OSError, HTTPException), urllib.request.urlopen(request, timeout=CONNECT_SECONDS):
            answers.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return bool(answers)


@functools.cache
def _fetch(backbone: Backbone) -> bool:
    """Tries once to download the file; gives up as soon as it would outlast the patience. Leaves no partial file.

    Returns whether the file is there now: a slow or lost connection, a wrong hash or a read-only folder mean it is not.
    """
    patience = INSISTING_PATIENCE_SECONDS if os.environ.get("BITBRUSH_LPIPS") else PATIENCE_SECONDS
    try:
        content = _download(HOST + backbone.file_name, patience)
    except (OSError, HTTPException):
        return False
    digits = backbone.path.stem.rpartition("-")[2]
    if not hashlib.sha256(content).hexdigest().startswith(digits):
        return False
    try:
        backbone.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(backbone.path) as partial:
            partial.write_bytes(content)
    except OSError:
        return False
    return True


def _download(url: str, patience: float) -> bytes:
    """The content of ``url``.

    Raises:
        OSError: it cannot be had, or at the pace so far it would take more than ``patience`` seconds.
    """
    content = bytearray()
    began = time.monotonic()
    with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as response:
        size = int(response.headers["Content-Length"] or 0)
        while chunk := response.read1(1 << 20):
            content += chunk
            elapsed = time.monotonic() - began
            if elapsed > 1 and elapsed * max(1, size / len(content)) > patience:
                raise TimeoutError(f"{url} would take longer than {patience:g} seconds.")
    return bytes(content)
