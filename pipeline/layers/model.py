"""What every network with a checkpoint of ours is: a model of diffusers, and the types that diffusers leaves open."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from safetensors import SafetensorError

from pipeline.errors import BitbrushError

Init = TypeVar("Init", bound=Callable[..., None])
Network = TypeVar("Network")


class Model(ModelMixin, ConfigMixin):  # type: ignore[misc]  # diffusers types config_name in two ways
    """A network with `from_pretrained`, `save_pretrained` and a ``config`` of its arguments."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers

    def reconfigure(self, **changed: Any) -> None:
        """Replaces arguments in the ``config``; the network stays as it is."""
        cast(Any, self).register_to_config(**changed)

    @classmethod
    def class_in(cls, folder: Path) -> str:
        """The name of the class whose model lies in ``folder``; raises `BitbrushError` where none does."""
        with whole(folder):
            return str(cast(Any, cls).load_config(folder)["_class_name"])


@contextmanager
def whole(folder: Path) -> Iterator[None]:
    """While the weights in ``folder`` are read; raises `BitbrushError` where they are missing, damaged or of another
    network."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise BitbrushError(
            f"The weights in {folder} are missing, damaged or of another network; get that folder again, or choose "
            "another."
        ) from error


def loaded(model_class: type[Network], folder: Path, **how: Any) -> Network:
    """``from_pretrained`` of a class of diffusers or transformers; raises as `whole`."""
    with whole(folder):
        return cast(Network, cast(Any, model_class).from_pretrained(folder, **how))


def configured(init: Init) -> Init:
    """diffusers' `register_to_config`: keeps the arguments of an ``__init__`` in the model's ``config``."""
    return cast(Init, register_to_config(init))


def moved(network: Network, *where: Any, **how: Any) -> Network:
    """``network.to(…)`` with its type kept."""
    return cast(Network, cast(Any, network).to(*where, **how))


def channels_last(network: Network) -> Network:
    """The same network, its convolutions in the memory format that is fastest."""
    return moved(network, memory_format=torch.channels_last)


def frozen(network: Network) -> Network:
    """The same network in evaluation mode, without gradients for its weights."""
    return cast(Network, cast(Any, network).eval().requires_grad_(False))
