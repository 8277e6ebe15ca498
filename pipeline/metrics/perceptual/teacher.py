"""LPIPS by the official SqueezeNet, as a loss to train with and as the teacher of the distilled network."""

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipeline.metrics.perceptual.networks import official_squeezenet

if TYPE_CHECKING:
    from lpips import LPIPS


class Teacher:
    """The official SqueezeNet inside ``lpips.LPIPS(net="squeeze")``, frozen, with the linear heads on top."""

    def __init__(self, network: "LPIPS"):
        network = copy.deepcopy(network)  # others may share it, on another device
        self.network = network.requires_grad_(False).to(memory_format=torch.channels_last)
        slices = [getattr(network.net, f"slice{index + 1}") for index in range(network.L)]
        self._layers = [layer for part in slices for layer in part.children() if not isinstance(layer, nn.ReLU)]

    @classmethod
    def load(cls) -> "Teacher":
        """Raises `BitbrushError` where SqueezeNet's weights are neither in the hub folder nor reachable."""
        return cls(official_squeezenet("The teacher is"))

    def scaled(self, images: Tensor) -> Tensor:
        """Images in [0, 1] => the backbone's input; the teacher follows them to their device."""
        self.network.to(images.device)
        scaled: Tensor = self.network.scaling_layer(2 * images - 1)
        return scaled

    @torch.no_grad()
    def blocks(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of the first convolution and of every fire module, the input, pooled, and the output before its ReLU."""
        found = []
        for layer in self._layers:
            if isinstance(layer, nn.MaxPool2d):
                x = layer(x)
                continue
            if isinstance(layer, nn.Conv2d):
                value = layer(x)
            else:
                squeezed = layer.squeeze_activation(layer.squeeze(x))
                value = torch.cat([layer.expand1x1(squeezed), layer.expand3x3(squeezed)], 1)
            found.append((x, value))
            x = value.relu()
        return found

    def distance(self, originals: Tensor, pictures: Tensor) -> Tensor:
        """LPIPS ``(batch,)`` of ``(batch, 3, H, W)`` in [0, 1], with gradients to ``pictures``.

        As `lpips.LPIPS.forward` computes it, but under autocast too the maps are compared in float32.
        """
        with torch.no_grad():
            wanted = self.stages(originals)
        return self.distance_of(wanted, self.stages(pictures))

    def stages(self, images: Tensor) -> list[Tensor]:
        """The seven feature maps of ``images`` in [0, 1] that LPIPS compares."""
        return list(self.network.net(self.scaled(images)))

    def distance_of(self, originals: list[Tensor], pictures: list[Tensor]) -> Tensor:
        """LPIPS ``(batch,)`` of what `stages` gave for both."""
        wanted, found = self.weighted(originals), self.weighted(pictures)
        parts = [(a.float() - b.float()).square().sum(1).flatten(1).mean(1) for a, b in zip(wanted, found, strict=True)]
        return torch.stack(parts).sum(0)

    def weighted(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps whose squared differences, summed over channels and averaged over pixels, add up to LPIPS."""
        heads = [head.model[-1].weight.clamp(min=0).sqrt() for head in self.network.lins]
        lengths = [(x.square().sum(1, keepdim=True) + 1e-10).sqrt() for x in maps]
        return [x / length * head for x, length, head in zip(maps, lengths, heads, strict=True)]
