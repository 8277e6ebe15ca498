"""Where the noisy residuals of a painter's training begin: on the states that its sampler visits."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

_FIRST_SHARE = 5 / 8
"""Of the draws: time 1, where sampling starts from noise alone."""
_LEAST_TIME = 0.05
_PAINTED_SHARE, _DECODED_SHARE = 0.5, 0.3
"""Of the other draws, those that start so; the rest starts from the true residual."""


class Start(IntEnum):
    """What a noisy residual holds beside the noise."""

    PAINTED = 0
    """The painter's own answer to the noise alone, as in the second step of sampling."""
    DECODED = 1
    """Nothing, as where sampling starts below noise level 1, from the decoded picture."""
    TRUE = 2
    """The true residual, as diffusion models are usually trained; sampling never meets it."""


@dataclass(frozen=True)
class States:
    """Where on the way from noise to picture a batch is; the shares of each kind are the same in every batch."""

    time: Tensor
    """``(batch,)`` in (0, 1]: 1 is noise alone."""
    start: Tensor
    """``(batch,)`` of `Start`; of no account at time 1."""
    painted: slice
    """The samples below time 1 that started `Start.PAINTED`."""

    @classmethod
    def random(cls, count: int, generator: torch.Generator) -> "States":
        first = round(_FIRST_SHARE * count)
        painted = slice(first, first + round(_PAINTED_SHARE * (count - first)))
        time = torch.ones(count)
        time[first:] = _LEAST_TIME + (1 - _LEAST_TIME) * torch.rand(count - first, generator=generator)
        start = torch.full((count,), Start.TRUE)
        start[painted] = Start.PAINTED
        start[painted.stop : painted.stop + round(_DECODED_SHARE * (count - first))] = Start.DECODED
        return cls(time, start, painted)

    def to(self, device: torch.device) -> "States":
        return States(self.time.to(device), self.start.to(device), self.painted)

    def known(self, residual: Tensor, answer: Callable[[slice], Tensor]) -> Tensor:
        """What noisy residuals hold beside the noise, ``(batch, …)`` as the true ``residual``; ``answer`` is what the
        painter makes of the noise alone, for some samples."""
        known = torch.where((self.start == Start.TRUE)[:, None, None, None], residual, 0.0)
        if self.painted.stop > self.painted.start:
            with torch.no_grad():
                known[self.painted] = answer(self.painted)
        return known

    @property
    def perception(self) -> Tensor:
        """``(batch,)``: a late start from the decoded picture asks for less perception and more fidelity."""
        return torch.where(self.start == Start.DECODED, self.time, 1.0)
