"""How well the distilled LPIPS agrees with the official one, on held-out pictures and the distortions it judges."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import pearsonr, spearmanr
from tqdm import tqdm

from pipeline.arrays import UInt8
from pipeline.codec import Codec
from pipeline.comparison.baselines import add_grain
from pipeline.metrics.perceptual import DISTILLED, distance_by
from pipeline.metrics.perceptual.networks import official_squeezenet
from pipeline.training.data import PhotoSet
from pipeline.training.distortions import blurred, compressed, downscaled

OFFICIAL = "squeeze"
SIDE = 256
"""The middle of a picture, of up to this many pixels a side, is compared."""
MIN_SIDE = 128
PHOTOS_OF_A_GROUP = 8
_CODECS = {"jpeg": (10, 30, 60, 90), "webp": (5, 40, 80), "avif": (20, 45, 70)}
_BLURS = (0.6, 1.2, 2.0)
_FACTORS = (1.5, 2.0, 3.0)
_SIGMAS = (1, 2, 3, 4, 8)
_QUALITIES = (0.1, 0.3, 0.5, 0.7)
_SIGMAS_ON_TOP = (2, 4)


@dataclass(frozen=True)
class Pair:
    """One distorted picture: both distances to its original."""

    kind: str
    official: float
    distilled: float


@dataclass(frozen=True)
class Agreement:
    """Of the distilled distance with the official one over some pairs."""

    pairs: int
    pearson: float
    spearman: float
    mean_absolute_difference: float
    mean_official: float
    mean_distilled: float


def held_out_pictures(folders: list[Path]) -> list[UInt8]:
    """Middles ``(height, width, 3)`` uint8 of some photographs of the validation split, of every kind of source."""
    groups = PhotoSet.load(folders, MIN_SIDE, validation=True).groups
    return [middle(picture) for group in groups for picture in group[:: max(1, -(-len(group) // PHOTOS_OF_A_GROUP))]]


def middle(picture: UInt8) -> UInt8:
    """Up to `SIDE` pixels a side of the middle of ``(height, width, 3)``."""
    top, left = (max(0, (side - SIDE) // 2) for side in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])


def compare(codec: Codec, pictures: list[UInt8]) -> list[Pair]:
    """Every kind of distortion at every level, on every picture.

    Raises:
        BitbrushError: SqueezeNet's weights are neither in the hub folder nor reachable.
    """
    official_squeezenet("The comparison needs")
    pairs = []
    for original in tqdm(pictures, unit="picture", leave=False):
        for kind, picture in _distorted(codec, original):
            official, distilled = (distance_by(key, original, picture) for key in (OFFICIAL, DISTILLED))
            pairs.append(Pair(kind, official, distilled))
    return pairs


def agreement(pairs: list[Pair]) -> Agreement:
    official, distilled = (np.array([getattr(pair, key) for pair in pairs]) for key in ("official", "distilled"))
    figures = (
        pearsonr(official, distilled).statistic,
        spearmanr(official, distilled).statistic,
        np.abs(official - distilled).mean(),
        official.mean(),
        distilled.mean(),
    )
    return Agreement(len(pairs), *(round(float(figure), 5) for figure in figures))


def by_kind(pairs: list[Pair]) -> dict[str, Agreement]:
    """`agreement` of each kind, and of ``"all"``."""
    kinds = dict.fromkeys(pair.kind for pair in pairs)
    parts = {kind: agreement([pair for pair in pairs if pair.kind == kind]) for kind in kinds}
    return {"all": agreement(pairs)} | parts


def _distorted(codec: Codec, original: UInt8) -> Iterator[tuple[str, UInt8]]:
    for name, qualities in _CODECS.items():
        for quality in qualities:
            yield name, compressed(original, name, quality)
    for radius in _BLURS:
        yield "blur", blurred(original, radius)
    for factor in _FACTORS:
        yield "downscaled", downscaled(original, factor)
    for sigma in _SIGMAS:
        yield "noise", add_grain(original, sigma)
    for stage1_quality in _QUALITIES:
        decoded = codec.reconstruct(codec.encode(Image.fromarray(original), quality=stage1_quality))
        yield "autoencoder", decoded
        for sigma in _SIGMAS_ON_TOP:
            yield "autoencoder and grain", add_grain(decoded, sigma)
