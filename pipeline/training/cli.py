"""``python -m pipeline train``: one sub-command for each row of `NETWORKS`."""

import json
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer
from accelerate import PartialState

from pipeline.training.loop import TrainingConfig
from pipeline.training.networks import NETWORKS, Network
from pipeline.training.run import Run, train_phases

app = typer.Typer(
    help="Train the networks in checkpoints/. Stage 2 is trained on pictures decoded by a finished stage 1.\n\n"
    "Example: python -m pipeline train diffusion --data photos/ --out runs/diffusion --resume",
    no_args_is_help=True,
)


def _shared(
    data: Annotated[list[Path], typer.Option(help="Folder of photographs; may be given more than once.", exists=True)],
    clean: Annotated[
        list[Path] | None,
        typer.Option("--clean", help="Folder of photographs that are clean at full size.", exists=True),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the run: state.pt, log.jsonl and model/ are written there.")
    ] = Path("runs"),
    preset: Annotated[
        str,
        typer.Option(
            "--preset", help="embedded (two CPU cores), gpu (minutes of one), base (days), finish or ablation."
        ),
    ] = "embedded",
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the run's state.pt.")] = False,
    minutes: Annotated[
        float | None, typer.Option(help="Stop with a checkpoint after so many minutes of training.", min=0)
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps instead of the preset's.", min=1)] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Peak learning rate instead of the preset's.")
    ] = None,
) -> None:
    """The options that networks share, in the order in which they are listed."""


_NOT_ALWAYS = ("clean", "learning_rate")


class NetworkCommand:
    """What typer calls: something whose signature holds the shared options and those of a network."""

    def __init__(self, name: str, network: Network):
        self._name, self._network = name, network
        shared = signature(_shared).parameters
        taken = [each for each in shared.values() if each.name not in _NOT_ALWAYS or each.name in network.takes]
        place = shared["out"].replace(default=Path("runs", name.replace("-", "_")))
        parameters = [place if each.name == "out" else each for each in taken]
        # The first parameter of its function is the run.
        self._own = list(signature(network.phases).parameters.values())[1:]
        self.__signature__ = Signature(parameters + self._own)
        self.__annotations__ = {each.name: each.annotation for each in parameters + self._own}

    def __call__(self, **given: Any) -> None:
        own = {each.name: given.pop(each.name) for each in self._own}
        _train(self._name, self._network, own, **given)


def _train(
    name: str,
    network: Network,
    own: dict[str, Any],
    data: list[Path],
    out: Path,
    preset: str,
    resume: bool,
    minutes: float | None,
    steps: int | None,
    clean: list[Path] | None = None,
    learning_rate: float | None = None,
) -> None:
    if preset not in network.presets:
        raise typer.BadParameter(f"there is no preset “{preset}” for {name}")
    run = Run(network.presets[preset].changed(steps, learning_rate), data, out, clean, network.mix)
    for config, figures in train_phases(network.phases(run, **own), resume, minutes):
        _report(figures, config)


def _report(figures: dict[str, float], config: TrainingConfig) -> None:
    """Prints the figures of a phase, once."""
    if PartialState().is_main_process:
        typer.echo(json.dumps(figures, indent=2))
        if figures["step"] < config.steps:
            typer.echo(f"Stopped after step {figures['step']} of {config.steps}; --resume goes on.", err=True)


for _name, _network in NETWORKS.items():
    app.command(_name, help=_network.help)(NetworkCommand(_name, _network))
