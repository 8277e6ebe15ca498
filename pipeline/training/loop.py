"""The training loop that every network shares: autocast, EMA, learning rate, processes, resumable checkpoints."""

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.errors import SettingsError
from pipeline.files import atomic_folder, atomic_path
from pipeline.layers.model import channels_last
from pipeline.precision import fastest
from pipeline.settings import Precision
from pipeline.training.parallel import average_gradients, share_weights
from pipeline.training.stopping import Stop


@dataclass(frozen=True)
class TrainingConfig:
    """What a run is made of; saved beside its checkpoint."""

    steps: int
    batch_size: int
    crop: int
    learning_rate: float
    warmup_steps: int = 200
    decay_steps: int | None = None
    """The learning rate falls to zero over this many last steps; over all after the warm-up unless given, or where they
    are fewer."""
    ema_decay: float = 0.999
    gradient_clip: float = 1.0
    weight_decay: float = 0.0
    seed: int = 0
    validate_every: int = 1000
    checkpoint_minutes: float = 4.0
    mixed_precision: str = "auto"
    """As in accelerate: "no", "bf16"; "auto" is bfloat16 where the hardware multiplies it fast."""


class Task(Protocol):
    """What the loop needs to know about a network."""

    @property
    def model(self) -> nn.Module: ...

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]: ...

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Mean loss of ``images`` ``(batch, 3, crop, crop)`` in [0, 1]; randomness from the CPU ``generator``."""
        ...

    def validate(self) -> dict[str, float]:
        """Figures on the validation split; ``"loss"`` among them."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the model in the layout of ``checkpoints/``."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A task whose loss changes with the learning rate."""

    def pace(self, factor: float) -> None:
        """Told before every step: the learning rate in units of its peak."""
        ...


def parameter_groups(model: nn.Module, learning_rate: float, faster: Mapping[str, float]) -> list[dict[str, Any]]:
    """Groups for the optimizer of all that is to be trained; names that end with a key of ``faster`` learn at that
    multiple of ``learning_rate``."""
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    usual = [value for name, value in trained.items() if not name.endswith(tuple(faster))]
    groups: list[dict[str, Any]] = [{"params": usual, "lr": learning_rate}]
    for ending, factor in faster.items():
        quick = [value for name, value in trained.items() if name.endswith(ending)]
        groups.append({"params": quick, "lr": factor * learning_rate})
    return groups


def learning_rate_factor(step: int, config: TrainingConfig) -> float:
    """Linear warm-up, a plateau, then a cosine from 1 to 0.

    None of the schedules of `diffusers.optimization`: their warm-up begins with a step at 0, and their cosines know no
    plateau.
    """
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    after = config.steps - config.warmup_steps
    decay = after if config.decay_steps is None else min(after, config.decay_steps)
    progress = (step - (config.steps - decay)) / max(1, decay)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))


def _save_state(state: dict[str, Any], path: Path) -> None:
    """Whole or not at all, a loss of power included."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def train(
    task: Task,
    draw: Callable[[int, int, np.random.Generator], Tensor],
    config: TrainingConfig,
    out: Path,
    resume: bool = False,
    minutes: float | None = None,
) -> dict[str, float]:
    """Trains ``task`` and leaves its EMA weights, config and log in ``out``.

    SIGINT, SIGTERM or the end of ``minutes`` stop it after a whole step, with a checkpoint. Under ``accelerate launch``
    each process draws its own batch of ``batch_size``; the first one validates and writes.

    Args:
        draw: ``(batch_size, crop, rng)`` => images ``(batch_size, 3, crop, crop)`` float32 in [0, 1].
        out: folder of the run; ``state.pt`` in it is what ``resume`` continues from, to the step.
        minutes: time limit of this call, without its last validation.

    Raises:
        SettingsError: ``out`` holds a run, and ``resume`` is not asked for.

    Returns:
        The last validation figures, and ``"step"``: how many steps are done. Processes after the first: that alone.
    """
    state_path = out / "state.pt"
    if state_path.exists() and not resume:
        raise SettingsError(f"There is a run in {out} already; go on with it (--resume), or choose another folder.")
    precision = config.mixed_precision
    if precision == "auto":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        precision = "bf16" if fastest(device) is Precision.BF16 else "no"
    # Other devices than these two lack float64, which the schedules are computed in.
    accelerator = Accelerator(mixed_precision=precision, cpu=not torch.cuda.is_available())
    if accelerator.is_main_process:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_path(out / "training.json") as partial:
            partial.write_text(json.dumps(asdict(config), indent=2), encoding="utf-8")
    task.model.to(accelerator.device).train()
    share_weights(task.model, accelerator)
    channels_last(task.model)
    ema = EMAModel(task.model.parameters(), decay=config.ema_decay, use_ema_warmup=True, power=0.75)
    optimizer = torch.optim.AdamW(
        task.parameter_groups(config.learning_rate), betas=(0.9, 0.99), weight_decay=config.weight_decay
    )
    rates = [group["lr"] for group in optimizer.param_groups]
    step = 0
    if resume and state_path.exists():
        state = torch.load(state_path, weights_only=True, map_location=accelerator.device)
        task.model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    optimizer = accelerator.prepare(optimizer)

    def checkpoint() -> dict[str, float]:
        state = {"model": task.model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
        _save_state(state | {"step": step}, state_path)
        ema.store(task.model.parameters())
        ema.copy_to(task.model.parameters())
        task.model.eval()
        figures = task.validate()
        with atomic_folder(out / "model") as folder:
            task.save(folder)
        task.model.train()
        ema.restore(task.model.parameters())
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": step, "seconds": round(time.monotonic() - began, 1), **figures}) + "\n")
        progress.write(f"step {step}: " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()))
        return figures

    began = saved = time.monotonic()
    average = None
    with (
        Stop(minutes) as stop,
        tqdm(initial=step, total=config.steps, mininterval=10, disable=not accelerator.is_main_process) as progress,
    ):
        while step < config.steps:
            # Seeded by the step, so that a resumed run draws what the uninterrupted one would have drawn.
            rng = np.random.default_rng((config.seed, step, accelerator.process_index))
            generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
            torch.manual_seed(int(rng.integers(2**62)))
            factor = learning_rate_factor(step, config)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            if isinstance(task, Paced):
                task.pace(factor)
            images = draw(config.batch_size, config.crop, rng).to(accelerator.device, memory_format=torch.channels_last)
            with accelerator.autocast():
                loss = task.loss(images, generator)
            accelerator.backward(loss)
            average_gradients(task.model, accelerator)
            accelerator.clip_grad_norm_(task.model.parameters(), config.gradient_clip)
            optimizer.step()
            optimizer.zero_grad()
            ema.step(task.model.parameters())
            step += 1
            average = loss.item() if average is None else 0.99 * average + 0.01 * loss.item()
            progress.set_postfix(loss=f"{average:.4f}", refresh=False)
            progress.update()
            if stop.asked:
                accelerator.set_trigger()
            if accelerator.check_trigger():
                break
            due = step % config.validate_every == 0 or time.monotonic() - saved > config.checkpoint_minutes * 60
            if accelerator.is_main_process and due and step < config.steps:
                checkpoint()
                saved = time.monotonic()
        figures = checkpoint() if accelerator.is_main_process else {}
    accelerator.wait_for_everyone()
    return figures | {"step": step}
