"""Pairs of an original and a distorted picture, of the kinds that the demo's metrics judge."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from pipeline.arrays import UInt8
from pipeline.autoencoder import Autoencoder
from pipeline.comparison.baselines import add_grain
from pipeline.layers.quality import uniform_map
from pipeline.training.data import PhotoSet

MAX_GRAIN = 8.0
"""Grey levels."""
_GRAINY_ORIGINALS = 0.3
_GRAINY_COPIES = 0.4
_AUTOENCODER_SHARE = 1 / 8


def compressed(picture: UInt8, codec: str, quality: int) -> UInt8:
    """``(H, W, 3)`` uint8 through Pillow's ``jpeg``, ``webp`` or ``avif`` at that codec's own ``quality``."""
    buffer = BytesIO()
    options = {"speed": 9, "max_threads": 1} if codec == "avif" else {}
    Image.fromarray(picture).save(buffer, format=codec, quality=quality, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def blurred(picture: UInt8, radius: float) -> UInt8:
    """Gaussian blur of ``radius`` pixels of standard deviation."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def downscaled(picture: UInt8, factor: float) -> UInt8:
    """Lanczos to one ``factor``-th of the size and bicubic back."""
    image = Image.fromarray(picture)
    small = image.resize((round(image.width / factor), round(image.height / factor)), Image.Resampling.LANCZOS)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC))


def _grain(rng: np.random.Generator) -> float:
    return float(MAX_GRAIN ** rng.uniform(-0.2, 1))


_DISTORTIONS: tuple[Callable[[UInt8, np.random.Generator], UInt8], ...] = (
    lambda picture, rng: compressed(picture, "jpeg", int(rng.integers(5, 96))),
    lambda picture, rng: compressed(picture, "webp", int(rng.integers(0, 96))),
    lambda picture, rng: compressed(picture, "avif", int(rng.integers(5, 91))),
    lambda picture, rng: blurred(picture, rng.uniform(0.3, 2.5)),
    lambda picture, rng: downscaled(picture, rng.uniform(1.2, 4)),
    lambda picture, rng: add_grain(picture, _grain(rng), int(rng.integers(2**32))),
)


def _add_grain_to_some(pictures: UInt8, share: float, rng: np.random.Generator) -> None:
    for index in np.flatnonzero(rng.random(len(pictures)) < share):
        pictures[index] = add_grain(pictures[index], _grain(rng), int(rng.integers(2**32)))


class PairSet:
    """Draws crops of photographs and distorts each in one random way, some of them with grain on top."""

    def __init__(self, photos: PhotoSet, autoencoder: Autoencoder):
        self._photos = photos
        self._autoencoder = autoencoder.eval().requires_grad_(False)

    def draw(self, count: int, size: int, rng: np.random.Generator) -> Tensor:
        """``(2 * count, 3, size, size)`` float32 in [0, 1]: the originals, then their distorted copies in order."""
        originals = (255 * self._photos.crops(count, size, rng)).round().byte().permute(0, 2, 3, 1).numpy()
        _add_grain_to_some(originals, _GRAINY_ORIGINALS, rng)
        by_autoencoder = rng.random(count) < _AUTOENCODER_SHARE
        copies = np.empty_like(originals)
        if by_autoencoder.any():
            copies[by_autoencoder] = self._decoded(originals[by_autoencoder], rng)
        for index in np.flatnonzero(~by_autoencoder):
            copies[index] = _DISTORTIONS[rng.integers(len(_DISTORTIONS))](originals[index], rng)
        _add_grain_to_some(copies, _GRAINY_COPIES, rng)
        return torch.from_numpy(np.concatenate([originals, copies])).permute(0, 3, 1, 2).float() / 255

    @torch.no_grad()
    def _decoded(self, pictures: UInt8, rng: np.random.Generator) -> UInt8:
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        quality = torch.from_numpy(rng.random(len(pictures), dtype=np.float32))
        decoded = self._autoencoder(images, uniform_map(quality)).reconstruction.clamp(0, 1)
        pictures_again: UInt8 = (255 * decoded).round().byte().permute(0, 2, 3, 1).numpy()
        return pictures_again
