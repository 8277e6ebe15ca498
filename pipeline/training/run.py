"""A run of the trainer: what is asked for, and the phases that it goes through."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.training.data import DETAIL, Mix, PhotoSet
from pipeline.training.loop import Task, TrainingConfig, train

Draw = Callable[[int, int, np.random.Generator], Tensor]
"""Batch size, crop and generator => images ``(batch, 3, crop, crop)`` float32 in [0, 1]."""


@dataclass(frozen=True)
class Preset:
    """How a network is trained, and how large it is."""

    phases: tuple[TrainingConfig, ...]
    """One after the other; a single one but for the distillation."""
    model: dict[str, Any]
    """Arguments of the network's class."""

    @classmethod
    def of(cls, *phases: TrainingConfig, **model: Any) -> "Preset":
        """For tables."""
        return cls(phases, model)

    def changed(self, steps: int | None, learning_rate: float | None) -> "Preset":
        """With other steps and another peak learning rate in every phase, where they are given."""
        asked = {"steps": steps, "learning_rate": learning_rate}
        given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        return replace(self, phases=tuple(replace(phase, **given) for phase in self.phases))


@dataclass(frozen=True)
class Phase:
    """A task with all that the loop needs to train it."""

    task: Task
    draw: Draw
    config: TrainingConfig
    out: Path


@dataclass(frozen=True)
class Run:
    """What is asked for, whichever the network."""

    preset: Preset
    data: list[Path]
    out: Path
    """Folder of the run."""
    clean: list[Path] | None = None
    """Folders of photographs that are clean at full size."""
    mix: Mix = DETAIL

    @property
    def config(self) -> TrainingConfig:
        """Of the first phase."""
        return self.preset.phases[0]

    def photos(self, validation: bool = False) -> PhotoSet:
        return PhotoSet.load(self.data, self.config.crop, validation, self.mix, self.clean)

    def seed(self) -> None:
        """Makes the weights of new networks, and whatever else is drawn, follow from the settings."""
        torch.manual_seed(self.config.seed)

    def phase(self, task: Task) -> Phase:
        """The only phase of a run: ``task`` on crops of its photographs."""
        return Phase(task, self.photos().crops, self.config, self.out)


def train_phases(
    phases: Iterable[Phase], resume: bool, minutes: float | None
) -> Iterator[tuple[TrainingConfig, dict[str, float]]]:
    """Trains one phase after the other, and gives the settings and figures of each; ends early where `train` stops.

    ``minutes`` is the time of all of them, from the start of the first one.
    """
    deadline = None
    for phase in phases:
        if minutes is not None:
            deadline = time.monotonic() + 60 * minutes if deadline is None else deadline
            minutes = max(0, (deadline - time.monotonic()) / 60)
        figures = train(phase.task, phase.draw, phase.config, phase.out, resume, minutes)
        yield phase.config, figures
        if figures["step"] < phase.config.steps:
            return
