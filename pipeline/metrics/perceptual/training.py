"""Distillation of LPIPS's SqueezeNet: first each stage alone on the teacher's maps, then all of it end to end."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.metrics.perceptual.teacher import Teacher

_DAMPING = 1e-3
_SHARES = (1 / 8, 1 / 4, 1 / 4, 1 / 2, 1 / 2, 1, 1, 1, 1)
"""Of a batch, how much each block learns from: the early maps have the more pixels."""
_FULL_RATE_CHANNELS = 128
"""Blocks with more input channels learn at a rate that falls with their number."""
_SQUEEZE_BIAS = 0.5
_MIN_DEVIATION = 0.05
"""Of the mean deviation: channels that hardly vary are not blown up."""
_STABILISER = 0.01
"""LPIPS below which errors of the distance count as absolute rather than as relative."""


class Whitened(nn.Module):
    """A convolution's weight as ``W P``: learning W is learning on decorrelated inputs of unit size."""

    whiten: Tensor
    unwhiten: Tensor

    def __init__(self, moment: Tensor):
        """``moment``: mean outer product of the inputs under the kernel, ``(inputs, inputs)``."""
        super().__init__()
        damping = _DAMPING * moment.diagonal().mean() * torch.eye(len(moment))
        values, vectors = torch.linalg.eigh((moment + damping).double())
        self.register_buffer("whiten", (vectors * values.rsqrt() @ vectors.T).float())
        self.register_buffer("unwhiten", (vectors * values.sqrt() @ vectors.T).float())

    def forward(self, weight: Tensor) -> Tensor:
        return (weight.flatten(1) @ self.whiten).view_as(weight)

    def right_inverse(self, weight: Tensor) -> Tensor:
        return (weight.flatten(1) @ self.unwhiten).view_as(weight)


def prepare(model: DistilledSqueezeNet, teacher: Teacher, images: Tensor, fresh: bool) -> None:
    """Whitens the first convolution of every block by the teacher's maps of ``images``.

    A ``fresh`` model is also given random weights that fit, and the mean and deviation of the teacher's channels.
    """
    for block, (x, target) in zip(model.each_block, teacher.blocks(teacher.scaled(images)), strict=True):
        convolutions = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
        first = convolutions[0]
        rows = functional.unfold(x, first.kernel_size, stride=first.stride).transpose(1, 2).flatten(0, 1)
        parametrize.register_parametrization(first, "weight", Whitened(rows.T @ rows / len(rows)))
        if not fresh:
            continue
        for convolution in convolutions:
            nn.init.zeros_(cast(Tensor, convolution.bias))
        for convolution in convolutions[1:]:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        if len(convolutions) > 1:
            nn.init.constant_(cast(Tensor, first.bias), _SQUEEZE_BIAS)
        whitened = cast(parametrize.ParametrizationList, cast(nn.ModuleDict, first.parametrizations)["weight"])
        nn.init.normal_(whitened.original, std=rows.shape[1] ** -0.5)
        block.mean.copy_(target.mean((0, 2, 3))[:, None, None])
        deviation = target.std((0, 2, 3))[:, None, None]
        block.deviation.copy_(deviation.clamp(min=_MIN_DEVIATION * deviation.mean()))


def _change(x: Tensor) -> Tensor:
    """Original minus distorted copy, ``(pairs, features)``."""
    a, b = x.flatten(1).chunk(2)
    return a - b


class DistillationTask:
    """What both phases share. Images come as pairs: originals first, then their copies in the same order."""

    def __init__(self, model: DistilledSqueezeNet, teacher: Teacher, held_out: Tensor):
        self.model = model
        self.teacher = teacher
        self._held_out = held_out

    def parameter_groups(self, learning_rate: float) -> Iterable[dict[str, Any]]:
        # Wide layers move further for the same step of each weight, and would switch their ReLUs off for good.
        for block in self.model.each_block:
            inputs = next(module for module in block.modules() if isinstance(module, nn.Conv2d)).in_channels
            yield {"params": list(block.parameters()), "lr": learning_rate * min(1, _FULL_RATE_CHANNELS / inputs)}

    def save(self, folder: Path) -> None:
        plain = cast(DistilledSqueezeNet, DistilledSqueezeNet.from_config(self.model.config))
        state = {}
        for name in plain.state_dict():
            owner, _, attribute = name.rpartition(".")
            state[name] = getattr(self.model.get_submodule(owner), attribute)
        plain.load_state_dict(state)
        plain.save_pretrained(folder, safe_serialization=True)


class BlockTask(DistillationTask):
    """Each block is fed the teacher's maps and regresses the next one, before and after its ReLU."""

    def _block_losses(self, images: Tensor) -> list[Tensor]:
        losses = []
        count = len(images) // 2
        blocks = zip(self.model.each_block, self.teacher.blocks(self.teacher.scaled(images)), _SHARES, strict=True)
        for block, (x, target), share in blocks:
            pairs = torch.arange(max(1, round(share * count)))
            some = torch.cat([pairs, pairs + count])
            found, wanted = block.layer(x[some]), (target[some] - block.mean) / block.deviation
            active, wanted_active = (block.activate(value) / block.deviation for value in (found, wanted))
            change, wanted_change = _change(active), _change(wanted_active)
            relative = (change - wanted_change).square().sum(1) / (wanted_change.square().sum(1) + 1e-3)
            losses.append(
                0.3 * functional.mse_loss(found, wanted)
                + functional.mse_loss(active, wanted_active)
                + 0.3 * relative.mean()
            )
        return losses

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return cast(Tensor, sum(self._block_losses(images)))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        losses = [loss.item() for loss in self._block_losses(self._held_out.to(self.model.device))]
        return {"loss": sum(losses), **{f"block{index}": loss for index, loss in enumerate(losses)}}


class EndToEndTask(DistillationTask):
    """The network on its own maps: LPIPS's weighted maps, their change within a pair, and the distance."""

    def _terms(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, and of every pair the teacher's and the model's distance."""
        scaled = self.teacher.scaled(images)
        with torch.no_grad():
            wanted = self.teacher.weighted(self.teacher.network.net(scaled))
        found = self.teacher.weighted(self.model(scaled))
        maps, changes, parts = [], [], []
        for a, b in zip(found, wanted, strict=True):
            maps.append((a - b).square().sum() / (b - b.mean((0, 2, 3), keepdim=True)).square().sum())
            pixels = b[0, 0].numel()
            change, wanted_change = _change(a), _change(b)
            part = [value.square().sum(1) / pixels for value in (change - wanted_change, change, wanted_change)]
            changes.append((part[0] / (part[2] + 1e-4)).mean())
            parts.append(torch.stack(part))
        error, distance, wanted_distance = cast(Tensor, sum(parts))
        relative = (error / (wanted_distance + 1e-3)).mean()
        ratio = ((distance - wanted_distance) / (wanted_distance + _STABILISER)).square().mean()
        stages = len(maps)
        return sum(maps) / stages + sum(changes) / stages + relative + ratio, wanted_distance, distance

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return self._terms(images)[0]

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        loss, wanted, found = self._terms(self._held_out.to(self.model.device))
        return {
            "loss": loss.item(),
            "pearson": torch.corrcoef(torch.stack([wanted, found]))[0, 1].item(),
            "mean error": (found - wanted).abs().mean().item(),
        }
