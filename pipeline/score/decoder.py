"""What the diffusion and the flow decoder have in common: the residual form, tiles, the sampling loop."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.grain import channel_deviation, sensor_grain
from pipeline.layers.lapped import BLOCK
from pipeline.layers.model import Model
from pipeline.layers.quality import CELL
from pipeline.layers.unsent import UNSENT_PLANES
from pipeline.score.network import Refinement, build_unet, evaluate, make_condition
from pipeline.score.scale import SCALE_REACH, ResidualScale
from pipeline.score.schedule import Scheduler, stepped
from pipeline.tiles import Tile, blend_tiles, map_tiles

LEAST_TIME = 0.5
"""Of the last evaluation of a network that was trained to paint, where sampling starts at 1: later ones take back what
it painted."""
TILE = 1024
"""Pictures up to this many pixels a side are sampled whole."""
OVERLAP = 128
STRIP = 256
"""Rows that the sampler's arithmetic takes at once."""
CHROMA_NOISE = 0.3
"""Strength of the starting noise in chroma, relative to luma: what is missing is mostly luma."""
GRAIN_RAMP = 0.25
"""From this time on, sampling starts with as much grain as the original had; below, with less."""


@dataclass(frozen=True)
class SampleStep:
    """One sampling step: ``picture`` ``(1, 3, height, width)`` is the current estimate of the original, in about
    [0, 1]; ``sigma`` the noise level reached, relative to the signal."""

    step: int
    total: int
    sigma: float
    picture: Tensor


@dataclass(frozen=True)
class WalkStep:
    """One evaluation of a sampler, in the words of `ScoreDecoder.sample`."""

    time: float
    sigma_after: float
    scheduler: Scheduler
    timestep: Tensor
    clean_weights: tuple[float, float]
    """The clean estimate is ``a * x + b * prediction``."""

    def clean(self, x: Tensor, prediction: Tensor) -> Tensor:
        a, b = self.clean_weights
        return a * x + b * prediction

    def update(self, prediction: Tensor, x: Tensor) -> Tensor:
        return stepped(self.scheduler, prediction, self.timestep, x)


def starting_noise(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """White noise ``(batch, 3, height, width)`` on the CPU, of unit variance but for its weaker chroma."""
    white = torch.randn(shape, generator=generator)
    grey = white.mean(1, keepdim=True)
    return white.sub_(grey).mul_(CHROMA_NOISE).add_(grey)


class ScoreDecoder(Model):
    """Samples ``p(x | x_hat)`` through the residual ``r = (x - x_hat) / s(x_hat, q, g)``.

    Sampling may start anywhere in the schedule, from a first guess of ``r`` plus the noise that belongs there. The
    guess is grain as strong as the original's: grain is what no decoded picture can tell of, and a sampler that starts
    late from a smooth guess would end too smooth.

    Subclasses say how ``r`` and noise mix in training and which diffusers scheduler walks back in sampling.
    """

    @property
    def emphasis(self) -> float:
        """What is painted from noise alone is multiplied by this at the end, from less noise by less: the squared error
        among the losses of a painter holds it back."""
        return float(self.config["emphasis"])

    def _build(
        self,
        block_out_channels: tuple[int, ...],
        layers_per_block: int,
        scale_channels: int,
        prediction_type: str,
        told_unsent: bool,
    ) -> None:
        self.predicts_sample = prediction_type == "sample"
        self.told_unsent = told_unsent
        told = int(self.predicts_sample) + (UNSENT_PLANES if told_unsent else 0)
        self.unet = build_unet(tuple(block_out_channels), layers_per_block, told)
        self.refinement = Refinement() if self.predicts_sample else None
        self.scale = ResidualScale(scale_channels)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Takes the weights of a network of the same widths; of what that was not told, this one makes nothing yet.

        Raises:
            ValueError: it was of other widths or of another kind, or was told more.
        """
        name = "unet.conv_in.weight"
        own = {key: value.shape for key, value in self.state_dict().items() if key != name}
        if own != {key: value.shape for key, value in weights.items() if key != name}:
            raise ValueError("the network to start from has other widths, or predicts something else")
        first = torch.zeros_like(self.unet.conv_in.weight)
        told = weights[name].shape[1]
        if told > first.shape[1]:
            raise ValueError(f"the network to start from has {told} input channels, this one {first.shape[1]}")
        first[:, :told] = weights[name]
        self.load_state_dict({**weights, name: first})

    def condition(self, x_hat: Tensor, quality: Tensor, unsent: Tensor | None, grain: Tensor) -> tuple[Tensor, Tensor]:
        """The residual's scale ``(batch, 1, height, width)``, and what the U-Net is told of the decoded picture."""
        scale = self.scale(x_hat, quality, grain)
        return scale, self._condition(x_hat, scale.detach(), grain, quality, unsent)

    def _condition(self, x_hat: Tensor, scale: Tensor, grain: Tensor, quality: Tensor, unsent: Tensor | None) -> Tensor:
        """`make_condition` of what this network wants to be told, in the format that it computes in."""
        if self.told_unsent and unsent is None:
            raise ValueError("this network wants to be told what was not sent")
        levels = quality if self.predicts_sample else None
        condition = make_condition(x_hat, scale, grain, levels, unsent if self.told_unsent else None)
        return condition.to(self.unet.dtype, memory_format=torch.channels_last)

    def predict(self, x: Tensor, condition: Tensor, time: Tensor, quality: Tensor) -> Tensor:
        """What the sampler asks for: `v_prediction` or velocity ``(batch, 3, height, width)`` at time ``(batch,)``."""
        if self.predicts_sample:
            return self.from_clean(self.clean(x, condition, time, quality), x, time)
        return evaluate(self.unet, x, condition, time, quality)

    def clean(self, x: Tensor, condition: Tensor, time: Tensor, quality: Tensor) -> Tensor:
        """The clean residual that a network trained for `sample` expects at ``x``."""
        prediction = evaluate(self.unet, x, condition, time, quality)
        return prediction if self.refinement is None else self.refinement(prediction, x, condition)

    @abstractmethod
    def from_clean(self, clean: Tensor, x: Tensor, time: Tensor) -> Tensor:
        """The sampler's kind of prediction that says the same as the residual ``clean``."""

    @abstractmethod
    def noised(self, residual: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Training pair ``(x_t, target)`` for time ``(batch, 1, 1, 1)`` in (0, 1]."""

    @abstractmethod
    def times(self, steps: int, noise_level: float, shift: float | None = None) -> list[float]:
        """The falling times in (0, 1] at which the network is evaluated; at most ``steps``."""

    def _spaced(self, steps: int) -> Tensor:
        """The evaluations' times where sampling starts at 1, evenly spaced, float64."""
        least = max(1 / steps, LEAST_TIME) if self.predicts_sample else 1 / steps
        return torch.linspace(1, least, steps, dtype=torch.float64)

    @abstractmethod
    def start(self, guess: Tensor, noise: Tensor, time: float) -> Tensor:
        """Where sampling starts at ``time`` when the residual is taken to be ``guess``, that is, at
        ``x_hat + s * guess`` plus noise; overwrites both arguments."""

    @abstractmethod
    def walk(self, times: list[float]) -> Iterator[WalkStep]:
        """The update that each evaluation makes."""

    @torch.no_grad()
    def sample(
        self,
        x_hat: Tensor,
        quality: Tensor,
        unsent: Tensor | None,
        grain: float,
        num_inference_steps: int,
        noise_level: float,
        generator: torch.Generator,
        shift: float | None = None,
    ) -> Iterator[SampleStep]:
        """Paints detail onto ``x_hat`` ``(1, 3, height, width)`` in [0, 1], sides multiples of 64.

        Args:
            quality: the stream's quality map.
            unsent: what the stream does not say, `unsent_planes`; None where the network is not told.
            grain: noise of the original in grey levels, see `pipeline.grain`.
            num_inference_steps: network evaluations, at least 1.
            noise_level: in (0, 1]; how much noise is injected at the start, as a fraction of the schedule.
            generator: a CPU generator, so that a seed means the same on every device.
            shift: of the noise schedule in sampling; the trained one unless given.
        """
        grains = torch.full((1,), grain, device=x_hat.device)
        height, width = x_hat.shape[2:]
        cells = quality.expand(-1, -1, height // CELL, width // CELL)
        scale = map_tiles(
            lambda *parts: self.scale(*parts, grains),
            (x_hat, cells),
            in_steps=(1, CELL),
            out_step=1,
            margin=SCALE_REACH,
        )
        condition = self._conditions(x_hat, scale, cells, unsent, grains)
        times = self.times(num_inference_steps, noise_level, shift)
        strength = 1 + (self.emphasis - 1) * times[0]
        x = self._start(x_hat.shape, scale, grains, times[0], generator)
        # What follows an evaluation is pointwise: strip by strip, each with its scheduler, it takes little memory.
        strips = [(..., slice(top, top + STRIP), slice(None)) for top in range(0, height, STRIP)]
        walks = zip(*(self.walk(times) for _ in strips), strict=True)
        for index, steps in enumerate(walks, 1):
            prediction = self._evaluate(x, condition, steps[0].time, quality)
            for strip, step in zip(strips, steps, strict=True):
                clean = step.clean(x[strip], prediction[strip])
                x[strip] = step.update(prediction[strip], x[strip])
                painted = x[strip] if index == len(times) else clean
                prediction[strip] = x_hat[strip] + strength * scale[strip] * painted
            yield SampleStep(index, len(times), steps[0].sigma_after, prediction)
            del prediction  # not kept while the next is made

    def _start(
        self, shape: torch.Size, scale: Tensor, grains: Tensor, time: float, generator: torch.Generator
    ) -> Tensor:
        noise = starting_noise(shape, generator).to(scale.device)
        guess = sensor_grain(shape, generator).to(scale.device).mul_(channel_deviation(grains)).div_(scale)
        return self.start(guess.mul_(min(1.0, time / GRAIN_RAMP)), noise, time)

    def _conditions(
        self, x_hat: Tensor, scale: Tensor, cells: Tensor, unsent: Tensor | None, grains: Tensor
    ) -> Callable[[Tile], Tensor]:
        """`make_condition` of a tile: made once of a picture that is a single one, else when it is needed."""

        def condition(tile: Tile) -> Tensor:
            part = (..., *tile.slices())
            planes = None if unsent is None else unsent[(..., *tile.slices(BLOCK))]
            return self._condition(x_hat[part], scale[part], grains, cells[(..., *tile.slices(CELL))], planes)

        height, width = x_hat.shape[2:]
        if max(height, width) > TILE:
            return condition
        whole = condition(Tile(0, height, 0, width))
        return lambda _: whole

    def _evaluate(self, x: Tensor, condition: Callable[[Tile], Tensor], time: float, quality: Tensor) -> Tensor:
        """The network over the whole picture, tile by tile where it is large; one noise field is shared by all."""
        times = torch.full((1,), time, device=x.device)
        height, width = x.shape[2:]

        def tile_of(tile: Tile) -> Tensor:
            return self.predict(x[(..., *tile.slices())], condition(tile), times, quality)

        if height <= TILE and width <= TILE:
            return tile_of(Tile(0, height, 0, width))
        return blend_tiles(tile_of, x, 1, TILE, OVERLAP)
