"""Metrics that no network was trained on, and the methods they judge."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from pipeline.arrays import UInt8
from pipeline.comparison import Method
from pipeline.comparison.baselines import PLAIN_CODECS
from pipeline.comparison.catalogue import autoencoder, coarse, grain, matched_grain, plain, plain_grained, repaint
from pipeline.evaluation.studies import DIFFUSION, FLOW, GRAIN_SIGMAS, MANY_STEPS, ULTRALOW
from pipeline.metrics.gradients import mdsi
from pipeline.metrics.grid import grid_figures
from pipeline.metrics.two_sample import STEPS, two_sample_auc
from pipeline.metrics.wasserstein import wasserstein_distortion
from pipeline.settings import SystemName

_RIVAL = "avif"
"""The plain codec that gets grain, too."""


def yardsticks(originals: Sequence[UInt8], pictures: Sequence[UInt8], steps: int = STEPS) -> dict[str, Any]:
    """The optional columns of a `Row`, of pairs of ``(H, W, 3)`` uint8 pictures; ``steps`` train the classifier."""
    return {
        "wasserstein": fmean(map(wasserstein_distortion, originals, pictures)),
        "auc": two_sample_auc(originals, pictures, steps),
        "mdsi": fmean(map(mdsi, originals, pictures)),
        "grid": {kind: asdict(figures) for kind, figures in grid_figures(originals, pictures).items()},
    }


def judged(system: SystemName) -> list[Method]:
    """The decoders of a codec and all that they have to beat: what the stream alone says, the same with grain, plain
    codecs in as many bytes, and the best of them with grain."""
    if system is SystemName.ULTRALOW:
        return [coarse(), *(grain(sigma) for sigma in (4, 8)), matched_grain(ULTRALOW), repaint(ULTRALOW)]
    return [
        autoencoder(),
        *(grain(sigma) for sigma in GRAIN_SIGMAS),
        *(repaint(settings) for settings in (DIFFUSION, MANY_STEPS, FLOW)),
        *(plain(name) for name in PLAIN_CODECS),
        *(plain_grained(_RIVAL, sigma) for sigma in GRAIN_SIGMAS),
    ]
