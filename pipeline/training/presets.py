"""What can be trained, and how: one row a network and size."""

from dataclasses import dataclass, field, replace

from pipeline.training.loop import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """Architecture arguments and training settings of one run."""

    training: TrainingConfig
    model: dict = field(default_factory=dict)


_LPIPS = TrainingConfig(
    steps=1, batch_size=8, crop=128, learning_rate=1e-3, ema_decay=0.998, validate_every=250, mixed_precision="no"
)
"""In fp32: the rounding of bf16 is as large as the mildest noise that LPIPS has to see."""

PRESETS: dict[tuple[str, str], Preset] = {
    ("autoencoder", "embedded"): Preset(
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
    ("diffusion", "embedded"): Preset(TrainingConfig(steps=11_600, batch_size=12, crop=128, learning_rate=6e-4)),
    ("flow", "embedded"): Preset(TrainingConfig(steps=1900, batch_size=12, crop=128, learning_rate=4e-4)),
    ("lpips blocks", "embedded"): Preset(replace(_LPIPS, steps=2000, learning_rate=1e-2, warmup_steps=100)),
    ("lpips", "embedded"): Preset(replace(_LPIPS, steps=500, learning_rate=4e-4, warmup_steps=30, ema_decay=0.99)),
    ("vae", "embedded"): Preset(
        TrainingConfig(steps=1600, batch_size=8, crop=256, learning_rate=8e-4, ema_decay=0.995, validate_every=400)
    ),
    ("vae decoder", "embedded"): Preset(
        TrainingConfig(steps=800, batch_size=9, crop=256, learning_rate=8e-4, warmup_steps=50, ema_decay=0.995)
    ),
    ("ultralow", "embedded"): Preset(
        TrainingConfig(steps=5600, batch_size=8, crop=256, learning_rate=6e-4, validate_every=300)
    ),
    ("ultralow", "ablation"): Preset(
        TrainingConfig(steps=350, batch_size=4, crop=256, learning_rate=4e-4, warmup_steps=50, ema_decay=0.99)
    ),
    ("autoencoder", "base"): Preset(
        TrainingConfig(steps=400_000, batch_size=16, crop=256, learning_rate=4e-4, warmup_steps=2000, ema_decay=0.9999),
        {"widths": (96, 192, 320), "blocks": (2, 3, 3), "synthesis_blocks": (3, 4, 3), "context_channels": 192},
    ),
    ("diffusion", "base"): Preset(
        TrainingConfig(steps=600_000, batch_size=64, crop=256, learning_rate=2e-4, warmup_steps=2000, ema_decay=0.9999),
        {"block_out_channels": (128, 256, 384, 512), "layers_per_block": 2},
    ),
    ("flow", "base"): Preset(
        TrainingConfig(steps=300_000, batch_size=64, crop=256, learning_rate=2e-4, warmup_steps=2000, ema_decay=0.9999),
        {"block_out_channels": (128, 256, 384, 512), "layers_per_block": 2},
    ),
}
"""``embedded`` is what ships: minutes to an hour on two CPU cores. ``base`` wants a GPU and more photographs."""
