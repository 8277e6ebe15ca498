"""Which network the LPIPS numbers come from.

Preference: AlexNet, the convention of the field, then SqueezeNet, then the network of ours that was distilled from it
and ships in ``checkpoints/``. ``BITBRUSH_LPIPS=alex|squeeze|distilled`` insists on one.
"""

import functools
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pipeline.errors import BitbrushError, SettingsError
from pipeline.metrics.perceptual.backbones import BACKBONES, has_backbone

if TYPE_CHECKING:
    from lpips import LPIPS

DISTILLED = "distilled"
"""The key of `pipeline.metrics.perceptual.distilled.DistilledSqueezeNet`, the last choice."""
DISTILLED_FOLDER = Path(__file__).resolve().parents[3] / "checkpoints" / "lpips"


def lpips_name() -> str | None:
    """The network behind the LPIPS numbers, such as "LPIPS (AlexNet)", or None where none can be had.

    Raises:
        SettingsError: ``BITBRUSH_LPIPS`` names no known network.
    """
    key = network_in_use()
    if key is None:
        return None
    return f"LPIPS ({BACKBONES[key].label if key in BACKBONES else key})"


def is_available(key: str) -> bool:
    """Whether ``key``, of `BACKBONES` or `DISTILLED`, can be loaded; `DISTILLED` is part of the checkpoints."""
    return DISTILLED_FOLDER.exists() if key == DISTILLED else has_backbone(key)


def official_squeezenet(wanted: str) -> "LPIPS":
    """The ``lpips`` network on the official SqueezeNet, which ``wanted``, the beginning of a sentence, asks for.

    Raises:
        BitbrushError: SqueezeNet's weights are neither in the hub folder nor reachable.
    """
    if not is_available("squeeze"):
        raise BitbrushError(
            f"{wanted} {BACKBONES['squeeze'].file_name}; connect to the network once, "
            "or point TORCH_HOME at a torch hub folder that has it."
        )
    return load_network("squeeze")


@functools.cache
def load_network(key: str) -> "LPIPS":
    """The ``lpips`` network on an available backbone, on the CPU, frozen, in evaluation mode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        if key != DISTILLED:
            return _ready(lpips.LPIPS(net=key, verbose=False))
        from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet

        network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
        network.net = DistilledSqueezeNet.from_pretrained(
            DISTILLED_FOLDER, torch_dtype=torch.float32, low_cpu_mem_usage=False
        )
        return _ready(network)


def _ready(network: "LPIPS") -> "LPIPS":
    """Frozen, in the memory format of pictures, which halves the time."""
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def network_in_use() -> str | None:
    """The key of the network that is asked for or preferred, or None where it cannot be had.

    Raises:
        SettingsError: ``BITBRUSH_LPIPS`` names no known network.
    """
    known = [*BACKBONES, DISTILLED]
    forced = os.environ.get("BITBRUSH_LPIPS")
    if forced and forced not in known:
        raise SettingsError(f"BITBRUSH_LPIPS must be one of {', '.join(known)}, not “{forced}”.")
    return next((key for key in ([forced] if forced else known) if is_available(key)), None)
