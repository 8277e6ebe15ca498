"""Stage 2's training: the score network and the residual scale, on pictures decoded by the frozen autoencoder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.autoencoder import Autoencoder, AutoencoderOutput
from pipeline.grain import grain_level, sensor_grain
from pipeline.layers.model import moved
from pipeline.layers.quality import uniform_map
from pipeline.score import ScoreDecoder
from pipeline.training.data import PhotoSet

NOISE_DRAWS = 2
"""Noise draws for each decoded crop: the autoencoder's pass is paid once for all of them."""
TIME_POWER = 1.4
"""Above 1, more of the training goes to the low noise levels, at which sampling usually starts."""
MAX_GRAIN = 6 / 255
GRAINY_SHARE = 0.75
_VALIDATION_TIMES = (0.2, 0.5, 0.8)
_VALIDATION_QUALITIES = (0.2, 0.4, 0.6)


def add_sensor_grain(images: Tensor, generator: torch.Generator) -> Tensor:
    """Most pictures get grain of up to 6 grey levels, mostly in luma.

    Training photographs are downscaled, which averages the grain of real photographs away; a decoder that never saw
    grain could not paint it.
    """
    count = len(images)
    level = torch.rand(count, 1, 1, 1, generator=generator) * MAX_GRAIN
    level = level * (torch.rand(count, 1, 1, 1, generator=generator) < GRAINY_SHARE)
    grain = sensor_grain(images.shape, generator).to(images.device)
    return (images + level.to(images.device) * grain).clamp(0, 1)


@torch.no_grad()
def decoded(autoencoder: Autoencoder, images: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
    """What streams of ``images`` ``(batch, 3, H, W)`` at a quality map decode to, in [0, 1], and `unsent_planes`;
    float32."""
    output: AutoencoderOutput = moved(autoencoder, images.device)(images, quality)
    return output.reconstruction.float().clamp(0, 1), output.unsent


class ScoreTask:
    """Trains a `ScoreDecoder`: squared error of its prediction, plus the Gaussian likelihood of the scale.

    No perceptual loss: LPIPS stays a yardstick.
    """

    def __init__(self, model: ScoreDecoder, autoencoder: Autoencoder, validation: PhotoSet, crop: int, scale: bool):
        """``scale``: whether the residual scale is trained as well, or kept as it was loaded."""
        self.model = model
        self.model.scale.requires_grad_(scale)
        self._autoencoder = autoencoder.eval().requires_grad_(False)
        self._trains_scale = scale
        crops = validation.crops(32, crop, np.random.default_rng(1))
        self._held_out = add_sensor_grain(crops, torch.Generator().manual_seed(3))

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        yield {"params": trained, "lr": learning_rate}

    def _residual(self, images: Tensor, quality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The predicted scale, the residual in units of it, and the U-Net's condition."""
        x_hat, unsent = decoded(self._autoencoder, images, quality)
        scale, condition = self.model.condition(x_hat, quality, unsent, grain_level(images))
        return scale, (images - x_hat) / scale, condition

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        images = add_sensor_grain(images, generator)
        # Low rates leave the most to paint: they are drawn more often.
        quality = uniform_map(torch.rand(len(images), generator=generator) ** 1.5).to(images.device)
        scale, residual, condition = self._residual(images, quality)
        likelihood = (0.5 * residual.square() + scale.log()).mean() if self._trains_scale else 0.0
        condition = condition.repeat_interleave(NOISE_DRAWS, 0)
        residual = residual.detach().repeat_interleave(NOISE_DRAWS, 0)
        quality = quality.repeat_interleave(NOISE_DRAWS, 0)
        return self._score_loss(residual, condition, quality, generator).mean() + likelihood

    def _score_loss(
        self,
        residual: Tensor,
        condition: Tensor,
        quality: Tensor,
        generator: torch.Generator,
        time: float | None = None,
    ) -> Tensor:
        count = len(residual)
        # Stratified times: one in each of `count` equal parts of (0, 1].
        drawn = (torch.randperm(count, generator=generator) + 1 - torch.rand(count, generator=generator)) / count
        drawn = drawn**TIME_POWER
        times = (drawn if time is None else torch.full((count,), time)).to(residual.device)
        noise = torch.randn(residual.shape, generator=generator).to(residual.device)
        x, target = self.model.noised(residual, noise, times[:, None, None, None])
        prediction = self.model.predict(x, condition, times, quality)
        return (prediction - target).square().flatten(1).mean(1)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        generator = torch.Generator().manual_seed(2)
        images = self._held_out.to(self.model.device)
        losses: dict[float, list[float]] = {time: [] for time in _VALIDATION_TIMES}
        likelihood = 0.0
        for value in _VALIDATION_QUALITIES:
            quality = torch.full((len(images), 1, 1, 1), value, device=images.device)
            scale, residual, condition = self._residual(images, quality)
            likelihood += (0.5 * residual.square() + scale.log()).mean().item() / len(_VALIDATION_QUALITIES)
            for time in _VALIDATION_TIMES:
                losses[time].append(self._score_loss(residual, condition, quality, generator, time).mean().item())
        means = {f"loss@{time}": sum(values) / len(values) for time, values in losses.items()}
        return {"loss": sum(means.values()) / len(means), **means, "scale_likelihood": likelihood}

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder, safe_serialization=True)
