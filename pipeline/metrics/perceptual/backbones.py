"""The ImageNet networks behind LPIPS: torchvision's files in the torch hub folder (``TORCH_HOME``).

The ``lpips`` package ships its linear heads only. A missing file is asked for once, briefly; ``BITBRUSH_OFFLINE=1``
forbids that.
"""

import functools
import hashlib
import os
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import torch

from pipeline.files import atomic_path

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


def has_backbone(key: str) -> bool:
    """Whether the file of ``key`` of `BACKBONES` is in the hub folder, or was just fetched into it."""
    backbone = BACKBONES[key]
    if backbone.path.exists():
        return True
    return os.environ.get("BITBRUSH_OFFLINE") != "1" and _reachable() and _fetch(backbone)


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
    """The content of ``url``. (`torch.hub.download_url_to_file` knows no time limit: a slow line would hold up the
    first picture for minutes, and what it writes in a thread could not be called off.)

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
