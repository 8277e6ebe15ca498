"""The training loop on a network of a few weights: stopping, resuming, several processes."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import SettingsError
from pipeline.training.loop import TrainingConfig, learning_rate_factor, train

CONFIG = TrainingConfig(
    steps=6, batch_size=2, crop=8, learning_rate=1e-2, warmup_steps=2, validate_every=2, mixed_precision="no"
)
PROCESSES = 2


class SmallTask:
    """Learns the identity, by way of two networks of which `nn.Module.forward` knows nothing."""

    def __init__(self, seed: int = 0):
        torch.manual_seed(seed)
        parts = {"first": nn.Conv2d(3, 4, 3, padding=1), "second": nn.Conv2d(4, 3, 1), "unused": nn.Linear(2, 2)}
        self.model = nn.ModuleDict(parts)

    def parameter_groups(self, learning_rate: float) -> list[dict]:
        return [{"params": list(self.model.parameters()), "lr": learning_rate}]

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return (self.model["second"](self.model["first"](images)) - images).square().mean()

    def validate(self) -> dict[str, float]:
        return {"loss": self.loss(torch.ones(1, 3, 8, 8), torch.Generator()).item()}

    def save(self, folder: Path) -> None:
        torch.save(self.model.state_dict(), folder / "weights.pt")


def batch(step: int, process: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng((step, process)).random((2, 3, 8, 8), np.float32))


def draw(count: int, size: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.random((count, 3, size, size), np.float32))


def weights(task: SmallTask) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in task.model.state_dict().items()}


@pytest.mark.parametrize("reason", [signal.SIGINT, signal.SIGTERM, "minutes"])
def test_a_stopped_run_leaves_a_checkpoint_and_goes_on_to_the_step(reason, tmp_path: Path) -> None:
    whole, first, second = SmallTask(), SmallTask(), SmallTask()
    assert train(whole, draw, CONFIG, tmp_path / "whole")["step"] == 6
    before = signal.getsignal(signal.SIGTERM)

    def stopped_in_the_third(count: int, size: int, rng: np.random.Generator) -> Tensor:
        stopped_in_the_third.calls += 1
        if stopped_in_the_third.calls == 3 and reason != "minutes":
            os.kill(os.getpid(), reason)
        return draw(count, size, rng)

    stopped_in_the_third.calls = 0
    minutes = 0 if reason == "minutes" else None
    figures = train(first, stopped_in_the_third, CONFIG, tmp_path / "parts", minutes=minutes)
    assert figures["step"] == (1 if reason == "minutes" else 3) and np.isfinite(figures["loss"])
    assert torch.load(tmp_path / "parts" / "state.pt")["step"] == figures["step"]
    assert signal.getsignal(signal.SIGTERM) == before
    assert train(second, draw, CONFIG, tmp_path / "parts", resume=True)["step"] == 6
    for name, value in weights(whole).items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    averages = [torch.load(tmp_path / name / "model" / "weights.pt") for name in ("whole", "parts")]
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as at a terminal, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_second_signal_is_obeyed_at_once(tmp_path: Path) -> None:
    def interrupted_twice(count: int, size: int, rng: np.random.Generator) -> Tensor:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)  # two at the same moment count as one
        os.kill(os.getpid(), signal.SIGINT)
        return draw(count, size, rng)

    with pytest.raises(KeyboardInterrupt):
        train(SmallTask(), interrupted_twice, CONFIG, tmp_path)


def test_a_checkpoint_that_is_cut_off_takes_no_name(tmp_path: Path, monkeypatch) -> None:
    train(SmallTask(), draw, replace(CONFIG, steps=2), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pt")}
    assert {path.name for path in before} == {"state.pt", "weights.pt"}

    def cut_off(state: dict, file: object) -> None:
        with open(file, "wb") if isinstance(file, Path) else file as opened:
            opened.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(OSError, match="no space"):
        train(SmallTask(), draw, replace(CONFIG, steps=4), tmp_path, resume=True)
    monkeypatch.setattr(SmallTask, "save", lambda self, folder: cut_off({}, folder / "weights.pt"))
    monkeypatch.setattr("pipeline.training.loop._save_state", lambda state, path: None)
    with pytest.raises(OSError, match="no space"):
        train(SmallTask(), draw, replace(CONFIG, steps=4), tmp_path, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.pt")} == before
    assert {path.name for path in tmp_path.iterdir()} == {"training.json", "log.jsonl", "model", "state.pt"}


def one_of_several(process: int, port: int, folder: Path) -> None:
    """The body of a process: starts from its own weights, and the last one alone is told to stop."""
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(process), "LOCAL_RANK": str(process), "WORLD_SIZE": str(PROCESSES),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true",
    }  # fmt: skip
    task, calls = SmallTask(seed=process), []

    def own_batch(count: int, size: int, rng: np.random.Generator) -> Tensor:
        calls.append(rng.random())
        if len(calls) == 3 and process == PROCESSES - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(len(calls), process)

    figures = train(task, own_batch, CONFIG, folder / "run")
    result = {"weights": weights(task), "step": figures["step"], "random": calls, "figures": len(figures)}
    torch.save(result, folder / f"{process}.pt")
    torch.distributed.destroy_process_group()


def test_processes_train_one_network(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(one_of_several, (port, tmp_path), PROCESSES)
    results = [torch.load(tmp_path / f"{process}.pt") for process in range(PROCESSES)]
    assert [result["step"] for result in results] == [3, 3]
    assert [result["figures"] for result in results] == [2, 1], "the first process alone validates"
    assert results[0]["random"] != results[1]["random"]

    alone, calls = SmallTask(), []

    def both_batches(count: int, size: int, rng: np.random.Generator) -> Tensor:
        calls.append(None)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return torch.cat([batch(len(calls), process) for process in range(PROCESSES)])

    train(alone, both_batches, CONFIG, tmp_path / "alone")
    for name, value in results[0]["weights"].items():
        assert torch.equal(value, results[1]["weights"][name]), name
        torch.testing.assert_close(value, alone.model.state_dict()[name], msg=name)
    written = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert written == ["log.jsonl", "model", "state.pt", "training.json"]
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert steps == [2, 3]


def test_learning_rate_warms_up_stays_and_falls() -> None:
    factors = [learning_rate_factor(step, CONFIG) for step in range(CONFIG.steps)]
    assert factors[0] == 0.5 and max(factors) == 1.0 and factors[-1] < 0.2
    plateau = [learning_rate_factor(step, replace(CONFIG, decay_steps=2)) for step in range(CONFIG.steps)]
    assert plateau == [0.5, 1, 1, 1, 1, 0.5]
    assert factors == [learning_rate_factor(step, replace(CONFIG, decay_steps=99)) for step in range(CONFIG.steps)]


def test_a_run_is_not_written_over_unasked(tmp_path: Path) -> None:
    train(SmallTask(), draw, CONFIG, tmp_path, minutes=0)
    before = (tmp_path / "state.pt").read_bytes(), (tmp_path / "training.json").read_bytes()
    with pytest.raises(SettingsError, match="--resume"):
        train(SmallTask(), draw, replace(CONFIG, steps=9), tmp_path, minutes=0)
    assert before == ((tmp_path / "state.pt").read_bytes(), (tmp_path / "training.json").read_bytes())
