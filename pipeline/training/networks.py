"""What can be trained, and how: one row for each network. Commands and presets are made of this table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.training import tasks
from pipeline.training.data import DETAIL, OBJECTS, Mix
from pipeline.training.loop import TrainingConfig
from pipeline.training.run import Phase, Preset


@dataclass(frozen=True)
class Network:
    """A row of the table."""

    phases: Callable[..., Iterator[Phase]]
    """One of `pipeline.training.tasks`: the `Run` and the network's own options => its phases."""
    help: str
    presets: dict[str, Preset]
    takes: tuple[str, ...] = ()
    """Which of the options that some networks share, ``"clean"`` and ``"learning_rate"``, it takes."""
    mix: Mix = DETAIL


_DISTILLATION = TrainingConfig(
    steps=1, batch_size=8, crop=128, learning_rate=1e-3, ema_decay=0.998, validate_every=250, mixed_precision="no"
)
"""In fp32: the rounding of bf16 is as large as the mildest noise that LPIPS has to see."""
_BASE = TrainingConfig(steps=1, batch_size=64, crop=256, learning_rate=2e-4, warmup_steps=2000, ema_decay=0.9999)
_REPAINT: dict[str, Any] = {
    "block_out_channels": (96, 128, 160),
    "prediction_type": "sample",
    "told_unsent": True,
    "emphasis": 1.25,
}
_BASE_UNET = {"block_out_channels": (128, 256, 384, 512), "layers_per_block": 2}

NETWORKS: dict[str, Network] = {
    "autoencoder": Network(
        tasks.autoencoder,
        "Stage 1: lambda * MSE + rate, every quality in one network.",
        {
            "embedded": Preset.of(
                TrainingConfig(
                    steps=60_000,
                    batch_size=8,
                    crop=192,
                    learning_rate=5e-4,
                    ema_decay=0.9995,
                    decay_steps=15_000,
                    validate_every=2000,
                    checkpoint_minutes=10,
                )
            ),
            "finish": Preset.of(
                TrainingConfig(
                    steps=6000,
                    batch_size=5,
                    crop=256,
                    learning_rate=2.5e-4,
                    warmup_steps=100,
                    ema_decay=0.9995,
                    checkpoint_minutes=10,
                )
            ),
            "gpu": Preset.of(
                TrainingConfig(
                    steps=6000,
                    batch_size=32,
                    crop=192,
                    learning_rate=6e-4,
                    warmup_steps=150,
                    ema_decay=0.9985,
                    decay_steps=2400,
                )
            ),
            "base": Preset.of(
                replace(_BASE, steps=400_000, batch_size=16, learning_rate=4e-4),
                widths=(96, 192, 320),
                blocks=(2, 3, 3),
                synthesis_blocks=(3, 4, 3),
                context_channels=192,
            ),
        },
        takes=("clean", "learning_rate"),
    ),
    "diffusion": Network(
        tasks.diffusion,
        "Stage 2, HFD as a diffusion model: v_prediction on the scaled residual.",
        {
            "embedded": Preset.of(TrainingConfig(steps=11_600, batch_size=12, crop=128, learning_rate=6e-4)),
            "base": Preset.of(replace(_BASE, steps=600_000), **_BASE_UNET),
        },
        takes=("learning_rate",),
    ),
    "flow": Network(
        tasks.flow,
        "Stage 2, HFD as a rectified flow, usually started from a diffusion model of the same kind.",
        {
            "embedded": Preset.of(TrainingConfig(steps=1900, batch_size=12, crop=128, learning_rate=4e-4)),
            "base": Preset.of(replace(_BASE, steps=300_000), **_BASE_UNET),
        },
        takes=("learning_rate",),
    ),
    "repaint": Network(
        tasks.repaint,
        "Stage 2 that paints: one network for diffusion and flow, trained on what eyes notice.",
        {
            "embedded": Preset.of(
                TrainingConfig(
                    steps=60_000,
                    batch_size=16,
                    crop=128,
                    learning_rate=5e-4,
                    decay_steps=15_000,
                    checkpoint_minutes=10,
                ),
                **_REPAINT,
            ),
            "gpu": Preset.of(
                TrainingConfig(steps=2500, batch_size=128, crop=128, learning_rate=8e-4, decay_steps=1250), **_REPAINT
            ),
        },
        takes=("clean", "learning_rate"),
    ),
    "lpips": Network(
        tasks.lpips,
        "The distilled LPIPS network: block by block on the teacher's maps (in OUT/blocks), then end to end.",
        {
            "embedded": Preset.of(
                replace(_DISTILLATION, steps=2000, learning_rate=1e-2, warmup_steps=100),
                replace(_DISTILLATION, steps=500, learning_rate=4e-4, warmup_steps=30, ema_decay=0.99),
            )
        },
    ),
    "vae": Network(
        tasks.vae,
        "The latent space of the ultra-low system: L1 + LPIPS, then frozen.",
        {
            "embedded": Preset.of(
                TrainingConfig(
                    steps=1600, batch_size=8, crop=256, learning_rate=8e-4, ema_decay=0.995, validate_every=400
                )
            )
        },
        mix=OBJECTS,
    ),
    "vae-decoder": Network(
        tasks.vae_decoder,
        "The decoder of the latent space, trained on what a finished ultra-low system decodes.",
        {
            "embedded": Preset.of(
                TrainingConfig(steps=800, batch_size=9, crop=256, learning_rate=8e-4, warmup_steps=50, ema_decay=0.995)
            )
        },
        mix=OBJECTS,
    ),
    "ultralow": Network(
        tasks.ultralow,
        "The ultra-low system: triple encoder, latent compression, reconstruction and latent diffusion, jointly.",
        {
            "embedded": Preset.of(
                TrainingConfig(steps=5600, batch_size=8, crop=256, learning_rate=6e-4, validate_every=300)
            ),
            "ablation": Preset.of(
                TrainingConfig(steps=350, batch_size=4, crop=256, learning_rate=4e-4, warmup_steps=50, ema_decay=0.99)
            ),
        },
        takes=("learning_rate",),
        mix=OBJECTS,
    ),
    "ultralow-repaint": Network(
        tasks.ultralow_repaint,
        "The ultra-low painter and the latent space's decoder, on what eyes notice; streams stay valid.",
        {
            "embedded": Preset.of(
                TrainingConfig(steps=2100, batch_size=5, crop=256, learning_rate=2.5e-4, decay_steps=1200)
            )
        },
        takes=("clean", "learning_rate"),
        mix=OBJECTS,
    ),
}
"""The preset ``embedded`` is what ships: minutes to hours on two CPU cores; ``gpu`` made parts of it, in minutes on a
GPU. ``finish`` is the last tenth of stage 1, on larger crops and the rounding of real streams; ``base`` takes days."""
