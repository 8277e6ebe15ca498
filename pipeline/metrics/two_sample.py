"""Can a classifier tell decoded patches from originals? A two-sample test (Lopez-Paz and Oquab 2017, arXiv 1610.06545).

A small network is trained on patches of half of the pictures, as they are and decoded, and tested on the other half;
then the other way round. It learns whatever gives a method away, and no method was trained against it.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import mannwhitneyu
from torch import Tensor, nn

from pipeline.arrays import UInt8
from pipeline.metrics.grid import fine_detail

PATCH = 64
STEPS = 300
_PAIRS = 16
"""Patches a step, each as it is and decoded: what the two have in common teaches nothing."""
_LEARNING_RATE = 2e-3
_DETAIL_GAIN = 16
_TEST_BATCH = 64


def two_sample_auc(originals: Sequence[UInt8], pictures: Sequence[UInt8], steps: int = STEPS) -> float:
    """Mean over both halves of the area under the ROC curve: 0.5 where nothing is told apart, 1 where everything is.

    Args:
        originals, pictures: pairs of ``(H, W, 3)`` uint8, those with a side below `PATCH` left out; the pictures at
            even and at odd places are the two halves. The same input gives the same number on the same machine.

    Raises:
        ValueError: a half without a picture.
    """
    pairs = [pair for pair in zip(originals, pictures, strict=True) if min(pair[0].shape[:2]) >= PATCH]
    if len(pairs) < 2:
        raise ValueError(f"The two-sample test needs two pictures of {PATCH} pixels a side and more.")
    halves = pairs[::2], pairs[1::2]
    return sum(_auc(_trained(ours, steps), theirs) for ours, theirs in (halves, halves[::-1])) / 2


def _network() -> nn.Sequential:
    """``(batch, 6, H, W)``, see `_batch` => ``(batch, 1)``: the means of local features, at full resolution first."""
    return nn.Sequential(
        nn.Conv2d(6, 16, 3), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2), nn.ReLU(),
        nn.Conv2d(64, 64, 3, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1),
    )  # fmt: skip


def _trained(pairs: Sequence[tuple[UInt8, UInt8]], steps: int) -> nn.Module:
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        network = _network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    labels = torch.tensor([0.0, 1.0]).repeat_interleave(_PAIRS)[:, None]
    for _ in range(steps):
        drawn = [_crops(pairs[rng.integers(len(pairs))], rng) for _ in range(_PAIRS)]
        batch = _batch([original for original, _ in drawn] + [picture for _, picture in drawn])
        loss = F.binary_cross_entropy_with_logits(network(batch), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _crops(pair: tuple[UInt8, UInt8], rng: np.random.Generator) -> tuple[UInt8, UInt8]:
    """The same place of both, mirrored at random."""
    height, width = pair[0].shape[:2]
    top, left = rng.integers(height - PATCH + 1), rng.integers(width - PATCH + 1)
    across = -1 if rng.random() < 0.5 else 1
    original, picture = (each[top : top + PATCH, left : left + PATCH][:, ::across] for each in pair)
    return original, picture


def _batch(patches: Sequence[UInt8]) -> Tensor:
    """Pictures in [-1, 1], and their fine detail made as large: what is lost or added is a few grey levels."""
    pictures = torch.from_numpy(np.stack(patches)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return torch.cat([pictures, _DETAIL_GAIN * fine_detail(pictures)], 1)


@torch.inference_mode()
def _auc(network: nn.Module, pairs: Sequence[tuple[UInt8, UInt8]]) -> float:
    """Over the patches side by side that fit into the pictures."""
    originals, pictures = (
        torch.cat([network(batch) for picture in side for batch in _batch(_tiles(picture)).split(_TEST_BATCH)])[:, 0]
        for side in zip(*pairs, strict=True)
    )
    return float(mannwhitneyu(pictures, originals).statistic) / (len(pictures) * len(originals))


def _tiles(picture: UInt8) -> list[UInt8]:
    rows, columns = (range(0, side - PATCH + 1, PATCH) for side in picture.shape[:2])
    return [picture[top : top + PATCH, left : left + PATCH] for top in rows for left in columns]
