"""The shifted cosine schedule of HFD, and the diffusers schedulers that carry it."""

import math
from typing import Any, cast

import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor

TRAIN_TIMESTEPS = 1000
LOG_SNR_LIMIT = 15.0
Scheduler = DPMSolverMultistepScheduler | FlowMatchEulerDiscreteScheduler


def stepped(scheduler: Scheduler, prediction: Tensor, timestep: Tensor, x: Tensor) -> Tensor:
    """``x`` after the scheduler's step from ``timestep``."""
    after: Tensor = cast(Any, scheduler).step(prediction, timestep, x).prev_sample
    if isinstance(scheduler, DPMSolverMultistepScheduler):
        # The next step needs the last output alone; the others would lie beside the network until then.
        scheduler.model_outputs[:-1] = [None] * (len(scheduler.model_outputs) - 1)
    return after


def log_snr(time: Tensor, shift: float) -> Tensor:
    """``logSNR(t) = -2 (log tan(pi t / 2) + log s)``, clamped to +-15 (Hoogeboom et al. 2023, arXiv 2305.18231).

    ``shift`` below 1 means less noise at the same time: the opposite of high-resolution text-to-image. On the CPU, for
    not every device has float64.
    """
    value = -2 * (torch.log(torch.tan(math.pi / 2 * time.cpu().double())) + math.log(shift))
    return value.clamp(-LOG_SNR_LIMIT, LOG_SNR_LIMIT)


def alpha_sigma(time: Tensor, shift: float) -> tuple[Tensor, Tensor]:
    """Variance-preserving ``alpha_t, sigma_t`` with ``alpha^2 + sigma^2 = 1``; time in [0, 1], float32, where ``time``
    is."""
    value = log_snr(time, shift)
    alpha, sigma = (torch.sigmoid(each).sqrt().float().to(time.device) for each in (value, -value))
    return alpha, sigma


def time_of(ratio: Tensor, shift: float) -> Tensor:
    """The time at which noise is ``ratio`` times as strong as the signal: the inverse of `log_snr`."""
    return 2 / math.pi * torch.atan(ratio / shift)


def time_at_shift(time: Tensor, shift: float, other: float) -> Tensor:
    """The time at which the schedule of ``other`` has the noise that the schedule of ``shift`` has at ``time``."""
    return time_of(shift * torch.tan(math.pi / 2 * time.double()), other)


def diffusion_scheduler(shift: float) -> DPMSolverMultistepScheduler:
    """DPM-Solver++ over the shifted cosine schedule, which `trained_betas` carries exactly."""
    time = torch.arange(1, TRAIN_TIMESTEPS + 1) / TRAIN_TIMESTEPS
    cumulative = torch.sigmoid(log_snr(time, shift))
    previous = torch.cat([torch.ones(1, dtype=cumulative.dtype), cumulative[:-1]])
    scheduler: DPMSolverMultistepScheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=TRAIN_TIMESTEPS,
        trained_betas=(1 - cumulative / previous).tolist(),
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        final_sigmas_type="zero",
    )
    return scheduler


def flow_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Euler steps along the straight path from time 1 (the start) to time 0 (the original)."""
    scheduler: FlowMatchEulerDiscreteScheduler = FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=TRAIN_TIMESTEPS, shift=1.0
    )
    return scheduler
