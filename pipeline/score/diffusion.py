"""HFD as a diffusion model (Hoogeboom et al. 2023, arXiv 2305.18231)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.layers.model import configured
from pipeline.score.decoder import ScoreDecoder, WalkStep
from pipeline.score.schedule import TRAIN_TIMESTEPS, alpha_sigma, diffusion_scheduler, time_at_shift


class DiffusionDecoder(ScoreDecoder):
    """``x_t = alpha_t r + sigma_t eps`` with `v_prediction` ``v = alpha_t eps - sigma_t r`` and a shifted cosine
    schedule; sampled with DPM-Solver++ from diffusers."""

    @configured
    def __init__(
        self,
        shift: float = 0.5,
        block_out_channels: tuple[int, ...] = (64, 128, 192),
        layers_per_block: int = 1,
        scale_channels: int = 64,
        prediction_type: str = "v_prediction",
        told_unsent: bool = False,
        emphasis: float = 1.0,
    ):
        """``prediction_type``: ``"v_prediction"``, or ``"sample"`` for a network that was trained to paint;
        ``told_unsent``: whether the network is told what was not sent; ``emphasis`` as of
        `ScoreDecoder.emphasis`."""
        super().__init__()
        self._build(block_out_channels, layers_per_block, scale_channels, prediction_type, told_unsent)

    @property
    def shift(self) -> float:
        """Of the noise schedule that it is trained with."""
        return float(self.config["shift"])

    def noised(self, residual: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = alpha_sigma(time, self.shift)
        return alpha * residual + sigma * noise, alpha * noise - sigma * residual

    def from_clean(self, clean: Tensor, x: Tensor, time: Tensor) -> Tensor:
        alpha, sigma = alpha_sigma(time[:, None, None, None], self.shift)
        return (alpha * x - clean) / sigma

    def times(self, steps: int, noise_level: float, shift: float | None = None) -> list[float]:
        spaced = noise_level * self._spaced(steps)
        if shift is not None:
            spaced = time_at_shift(spaced, shift, self.shift)
        ticks: Tensor = (spaced * TRAIN_TIMESTEPS).round().clamp(min=1).unique().flip(0)
        times: list[float] = (ticks / TRAIN_TIMESTEPS).tolist()
        return times

    def start(self, guess: Tensor, noise: Tensor, time: float) -> Tensor:
        alpha, sigma = (value.item() for value in alpha_sigma(torch.tensor(time), self.shift))
        return guess.mul_(alpha).add_(noise.mul_(sigma))

    def walk(self, times: list[float]) -> Iterator[WalkStep]:
        scheduler = diffusion_scheduler(self.shift)
        # Timestep k of the scheduler is time (k + 1) / TRAIN_TIMESTEPS.
        scheduler.set_timesteps(timesteps=[round(time * TRAIN_TIMESTEPS) - 1 for time in times])
        for index, timestep in enumerate(scheduler.timesteps):
            time = (timestep.item() + 1) / TRAIN_TIMESTEPS
            alpha, sigma = (value.item() for value in alpha_sigma(torch.tensor(time), self.shift))
            yield WalkStep(time, scheduler.sigmas[index + 1].item(), scheduler, timestep, (alpha, -sigma))
