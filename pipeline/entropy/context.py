"""A context network in the two checkerboard passes of its group, computing no more than each pass needs."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.entropy.fixed_point import ACTIVATION_ONE, FixedPointStack, products, rescaled

_CROSS = ((0, 1), (1, 0), (1, 2), (2, 1))
"""The neighbours of a position, as rows and columns of a 3 x 3 kernel: of the other colour, while those at the corners
and the position itself are of its own."""


class CheckerboardContext:
    """Means and scales of one group of channels, pass by pass: the same integers as `FixedPointStack.exact` gives of
    everything known in the pass.

    The first layer, 3 x 3, is a sum of products: those of what both passes know are computed once, and the second pass
    adds the anchors just coded, which are the four neighbours of its positions. The other layers, 1 x 1, see only the
    positions of the pass. Sums of integers below 2**53 are the same in any order, so nothing changes but the time.
    """

    def __init__(self, stack: FixedPointStack, shared: Tensor, group: int):
        """``shared``: what both passes know, ``(1, channels, height, width)``, the quality's plane last. The network
        takes it with the ``group`` channels now coded before that plane, and a plane that names the pass after it."""
        first, *rest = stack
        self._rest = FixedPointStack(*rest)
        weight, self._bias = first.integers()
        known = shared.shape[1] - 1
        shared_weight = torch.cat([weight[:, :known], weight[:, -2:-1]], 1)
        self._current_weight = torch.cat([weight[:, known : known + group, row, column] for row, column in _CROSS], 1)
        self._second_weight = weight[:, -1:]
        self._sums = products(shared_weight, shared)

    def first(self, positions: Tensor) -> Tensor:
        """Means and raw scale indexes ``(2 * group, count)`` of the anchors, whose flat ``positions`` are given."""
        return self._predicted(self._sums.flatten(1)[:, positions])

    def second(self, positions: Tensor, anchors: Tensor) -> Tensor:
        """The same of the other positions; ``anchors`` ``(group, height, width)`` are what has been coded, as inputs of
        the network, 0 elsewhere."""
        height, width = anchors.shape[1:]
        padded = F.pad(anchors, [1] * 4)
        around = [padded[:, i : i + height, j : j + width].flatten(1)[:, positions] for i, j in _CROSS]
        second = products(self._second_weight, torch.full((1, 1, height, width), float(ACTIVATION_ONE)))
        sums = self._sums.flatten(1)[:, positions].add_(second.flatten(1)[:, positions])
        return self._predicted(sums.add_(self._current_weight @ torch.cat(around).double()))

    def _predicted(self, sums: Tensor) -> Tensor:
        hidden = F.relu(rescaled(sums.add_(self._bias[:, None])))
        return self._rest.exact(hidden[None, :, None])[0, :, 0]
