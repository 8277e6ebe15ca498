"""HFD as a rectified flow from the autoencoder's picture to the original."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.layers.model import configured
from pipeline.score.decoder import ScoreDecoder, WalkStep
from pipeline.score.schedule import TRAIN_TIMESTEPS, flow_scheduler, time_of


class FlowDecoder(ScoreDecoder):
    """Straight paths ``x_t = (1 - t) r + t * kappa * eps`` between the original (``t = 0``) and the autoencoder's
    picture with a little noise (``t = 1``); the network predicts the velocity ``kappa * eps - r``, as in rectified
    flow on the coupling that stage 1 provides (HFD/RF; compare PMRF, arXiv 2410.00418). Euler steps from diffusers."""

    @configured
    def __init__(
        self,
        start_noise: float = 0.5,
        block_out_channels: tuple[int, ...] = (64, 128, 192),
        layers_per_block: int = 1,
        scale_channels: int = 64,
        prediction_type: str = "v_prediction",
        shift: float = 0.5,
        told_unsent: bool = False,
        emphasis: float = 1.0,
    ):
        """``prediction_type``: ``"v_prediction"`` for the velocity, or ``"sample"`` for a network that was trained to
        paint, on diffusion's states; ``shift`` is that of its schedule; ``told_unsent`` and ``emphasis`` as of
        `DiffusionDecoder`."""
        super().__init__()
        self._build(block_out_channels, layers_per_block, scale_channels, prediction_type, told_unsent)

    @property
    def start_noise(self) -> float:
        """``kappa``."""
        return float(self.config["start_noise"])

    def noised(self, residual: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        start = self.start_noise * noise
        return (1 - time) * residual + time * start, start - residual

    def clean(self, x: Tensor, condition: Tensor, time: Tensor, quality: Tensor) -> Tensor:
        """A point on the straight path is one of diffusion's, at another length and time."""
        signal, noise = 1 - time, self.start_noise * time
        length = torch.hypot(signal, noise)[:, None, None, None]
        return super().clean(x / length, condition, time_of(noise / signal, self.config["shift"]), quality)

    def from_clean(self, clean: Tensor, x: Tensor, time: Tensor) -> Tensor:
        return (x - clean) / time[:, None, None, None]

    def times(self, steps: int, noise_level: float, shift: float | None = None) -> list[float]:
        """A flow has no schedule to shift."""
        times: list[float] = (noise_level * self._spaced(steps)).tolist()
        return times

    def start(self, guess: Tensor, noise: Tensor, time: float) -> Tensor:
        return guess.mul_(1 - time).add_(noise.mul_(time * self.start_noise))

    def walk(self, times: list[float]) -> Iterator[WalkStep]:
        scheduler = flow_scheduler()
        scheduler.set_timesteps(sigmas=times)
        for index, timestep in enumerate(scheduler.timesteps):
            time = timestep.item() / TRAIN_TIMESTEPS
            yield WalkStep(time, scheduler.sigmas[index + 1].item(), scheduler, timestep, (1.0, -time))
