"""The commands that are made of the table of networks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pipeline.codec import CHECKPOINTS
from pipeline.errors import BitbrushError
from pipeline.training.cli import NetworkCommand, app
from pipeline.training.networks import NETWORKS, Network
from pipeline.training.run import Phase, Preset, Run
from tests.conftest import synthetic_picture
from tests.training.test_loop import CONFIG, SmallTask, draw

SHARED = ["--data", "--out", "--preset", "--resume", "--minutes", "--steps"]
OPTIONS = {
    "autoencoder": ["--clean", "--learning-rate", "--init", "--lambda-range", "--lapped", "--weighed-rounding"],
    "diffusion": ["--learning-rate", "--autoencoder", "--init"],
    "flow": ["--learning-rate", "--autoencoder", "--init"],
    "repaint": ["--clean", "--learning-rate", "--autoencoder", "--init", "--critics"],
    "lpips": ["--autoencoder"],
    "vae": [],
    "vae-decoder": ["--init"],
    "ultralow": ["--learning-rate", "--autoencoder", "--vae", "--init", "--painter-only", "--without"],
    "ultralow-repaint": ["--clean", "--learning-rate", "--init", "--critics"],
}
PHASES = ("first", "second")


def two_phases(run: Run, colour: Annotated[str, typer.Option(help="A colour.")] = "red") -> Iterator[Phase]:
    (run.out / colour).mkdir(parents=True)
    for name, config in zip(PHASES, run.preset.phases, strict=True):
        yield Phase(SmallTask(), draw, config, run.out / name)


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    network = Network(two_phases, "A network in two phases.", {"embedded": Preset.of(CONFIG, CONFIG)})
    app.command("small")(NetworkCommand("small", network))
    return app


def test_every_network_has_its_options() -> None:
    commands = typer.main.get_command(app).commands
    assert list(commands) == list(NETWORKS) == list(OPTIONS)
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert options == {*SHARED, *OPTIONS[name]}, name
        assert command.help == NETWORKS[name].help


def test_a_preset_that_a_network_lacks_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["vae", "--data", str(tmp_path), "--preset", "base"])
    assert result.exit_code == 2 and "no preset “base” for vae" in result.stderr


def test_a_painter_alone_needs_a_system(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["ultralow", "--data", str(tmp_path), "--painter-only"])
    assert result.exit_code == 2 and "--painter-only" in result.stderr


def test_phases_follow_each_other_with_the_options_given(command: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["--data", str(tmp_path), "--out", str(out), "--steps", "2", "--colour", "blue"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"blue", *PHASES}
    assert [json.loads((out / name / "training.json").read_text())["steps"] for name in PHASES] == [2, 2]


def test_a_phase_that_stops_early_is_the_last(command: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = CliRunner().invoke(command, ["--data", str(tmp_path), "--out", str(out), "--minutes", "0"])
    assert result.exit_code == 0, result.output
    assert "Stopped after step 1 of 6; --resume goes on." in result.stderr
    assert not (out / "second").exists()


def test_a_network_of_another_kind_is_no_start(photo_folder: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(photo_folder), "--out", str(tmp_path), "--init", str(CHECKPOINTS / "diffusion")]
    result = CliRunner().invoke(app, ["flow", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2 and "another network" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["autoencoder", "--init"],
        ["repaint", "--init"],
        ["repaint", "--autoencoder"],
        ["vae-decoder", "--init"],
        ["ultralow", "--vae"],
        ["ultralow-repaint", "--init"],
    ],
    ids=" ".join,
)
def test_a_folder_without_a_model_is_said(options: list[str], tmp_path: Path) -> None:
    photos, empty = tmp_path / "photos", tmp_path / "empty"
    for folder in (photos, empty):
        folder.mkdir()
    for index in range(10):
        synthetic_picture(600, 400, index).save(photos / f"{index}.jpg")
    arguments = [*options, str(empty), "--data", str(photos), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, BitbrushError) and f"The weights in {empty}" in str(result.exception)
