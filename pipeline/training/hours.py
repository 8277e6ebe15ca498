"""``python -m pipeline.training.hours``: how long the presets train on a machine, from the work and its speed.

    hours = steps / devices · max(batch · W / speed, least) / scaling / 3600

W are the floating-point operations of a crop, forward and back, counted on the real loss. The speed of a device is
measured, by the log of a run, or assumed, as a share of what it can do at most. ``least`` are the seconds of a step
however small, ``scaling`` what several devices keep of their speed.
"""

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import torch
import typer
from lpips import LPIPS
from torch.utils.flop_counter import FlopCounterMode

from pipeline.autoencoder import Autoencoder
from pipeline.autoencoder.training import AutoencoderTask
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.score import DiffusionDecoder, FlowDecoder
from pipeline.score.repaint_training import RepaintTask
from pipeline.score.training import ScoreTask
from pipeline.training.data import PhotoSet
from pipeline.training.eyes import Eyes
from pipeline.training.loop import Task
from pipeline.training.networks import NETWORKS

PRESETS = (
    ("autoencoder", "embedded"), ("autoencoder", "finish"), ("repaint", "embedded"),
    ("autoencoder", "base"), ("diffusion", "base"), ("flow", "base"),
)  # fmt: skip
"""Networks and presets of stages 1 and 2, in the order of a campaign."""
GPU_PEAK = 989e12
"""bf16 operations a second of an H100 (SXM), without sparsity, by its data sheet."""
GPU_SHARE = 0.02
"""Of the peak. Measured once, on stage 1 (32 × 192² a step) and `repaint` (64 × 128²) side by side on one H100, busy
to 99 %: 12 and 8.8 TFLOPS. Convolutions of 32 to 512 channels, no fused kernels."""
GPU_STEP = 0.05
"""Seconds that a step takes at least. Assumed: thousands of small kernels, and crops that one process draws."""
SCALING = 0.9
"""Of eight times the speed of one device. Assumed: gradients of 10 to 500 MB are averaged once a step."""
_CROP = 64
_CROPS = 4


@dataclass(frozen=True)
class Machine:
    """Something to train on."""

    name: str
    speed: float
    """Operations a second of a device."""
    least: float = 0.0
    """Seconds of a step."""
    devices: int = 1
    scaling: float = 1.0

    def hours(self, steps: int, operations: float) -> float:
        """For so many batches in all, each of so many operations on one device."""
        return steps / self.devices * max(operations / self.speed, self.least) / self.scaling / 3600


ONE_GPU = Machine("one GPU", GPU_PEAK * GPU_SHARE, GPU_STEP)
EIGHT_GPUS = replace(ONE_GPU, name="eight GPUs", devices=8, scaling=SCALING)


def crop_operations(network: str, preset: str) -> float:
    """Of one crop of the preset's size, forward and back; those of a frozen stage 1, forward, are among them.

    Counted on a smaller crop: the work grows with the pixels.
    """
    task = _task(network, preset)
    images = torch.rand(_CROPS, 3, _CROP, _CROP, generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        task.loss(images, torch.Generator().manual_seed(0)).backward()
    counted: int = counter.get_total_flops()
    return counted / _CROPS * (NETWORKS[network].presets[preset].phases[0].crop / _CROP) ** 2


def measured(run: Path, network: str, preset: str) -> Machine:
    """What the log of a finished or running training says of its machine, validation and checkpoints included.

    The median over pairs of lines: the clock starts anew where a run was resumed, which no line says.

    Raises:
        ValueError: the log has no two lines of one start.
    """
    config = json.loads((run / "training.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    paces = [
        (after["seconds"] - before["seconds"]) / (after["step"] - before["step"])
        for before, after in pairwise(lines)
        if after["step"] > before["step"] and after["seconds"] > before["seconds"]
    ]
    if not paces:
        raise ValueError(f"{run / 'log.jsonl'} has no two lines of one start; train for longer.")
    crop = NETWORKS[network].presets[preset].phases[0].crop
    work = config["batch_size"] * crop_operations(network, preset) * (config["crop"] / crop) ** 2
    seconds = median(paces)
    return Machine(f"{run}, {seconds:.2f} s a step", work / seconds)


def table(machines: list[Machine]) -> str:
    """Every stage and preset a line of Markdown."""
    names = ("network", "preset", "steps × batch × crop", "TFLOP a step", *(machine.name for machine in machines))
    lines = [f"| {' | '.join(names)} |", f"{'| --- ' * len(names)}|"]
    for network, preset in PRESETS:
        config = NETWORKS[network].presets[preset].phases[0]
        work = config.batch_size * crop_operations(network, preset)
        hours = (_in_words(machine.hours(config.steps, work)) for machine in machines)
        size = f"{config.steps:,} × {config.batch_size} × {config.crop}²"
        cells = (network, preset, size, f"{work / 1e12:.2g}", *hours)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _in_words(hours: float) -> str:
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h" if hours >= 1 else f"{max(1, 60 * hours):.0f} min"


def _task(network: str, preset: str) -> Task:
    photos = PhotoSet([[np.zeros((_CROP + 1, _CROP + 1, 3), np.uint8)]], [1.0])
    options = NETWORKS[network].presets[preset].model
    if network == "autoencoder":
        return AutoencoderTask(Autoencoder(**options), photos, _CROP, weighed_rounding=preset == "finish")
    stage1 = Autoencoder(**NETWORKS["autoencoder"].presets[preset].model)
    if network == "repaint":
        # The teacher's weights change nothing of its work.
        teacher = Teacher(LPIPS(net="squeeze", pnet_rand=True, verbose=False))
        return RepaintTask(DiffusionDecoder(**options), stage1, Eyes(teacher), photos, _CROP)
    decoder = DiffusionDecoder if network == "diffusion" else FlowDecoder
    return ScoreTask(decoder(**options), stage1, photos, _CROP, scale=network == "diffusion")


def main(
    run: Annotated[Path | None, typer.Argument(help="Folder of a run, whose machine is a column.", exists=True)] = None,
    network: Annotated[str, typer.Option(help="What the run trains.")] = "autoencoder",
    preset: Annotated[str, typer.Option(help="Its preset.")] = "embedded",
) -> None:
    """Print the hours of every preset of stages 1 and 2."""
    own = [] if run is None else [measured(run, network, preset)]
    typer.echo(table([*own, ONE_GPU, EIGHT_GPUS]))


if __name__ == "__main__":
    typer.run(main)
