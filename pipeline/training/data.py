"""Random crops of photographs, held in memory as uint8."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipeline.arrays import UInt8
from pipeline.errors import ImageError
from pipeline.images import load_image

_LARGE_SIDE = 1000
_LARGE_SCALE = 0.64
"""Large photographs are held at this size, too."""
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def _resized(image: Image.Image, scale: float) -> UInt8:
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def _read(path: Path) -> Image.Image:
    try:
        return load_image(path)
    except ImageError as error:
        raise ImageError(f"{path}: {error} Or take it out of the folder.") from None


def photographs(folder: Path, validation: bool) -> list[Path]:
    """Every tenth photograph of a folder tree, by name, is for validation, the others for training."""
    found = folder.rglob("*")
    paths = sorted(path for path in found if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."))
    return [path for index, path in enumerate(paths) if (index % 10 == 9) == validation]


@dataclass(frozen=True)
class Mix:
    """How often each kind of source is drawn, and how far small photographs may be shrunk."""

    shares: tuple[float, float, float, float]
    """Of large photographs at full size, of large ones at 0.64 of it, of small ones, of small clean ones."""
    least_scale: float
    """Small photographs are held at this size, or larger where a crop would not fit."""
    most_scale: float
    """Small photographs that would have to be larger than this are left out."""


DETAIL = Mix((0.35, 0.2, 0.2, 0.25), 0.5, 0.75)
"""For what learns detail: clean pixels first, JPEG damage averaged away."""
OBJECTS = Mix((0.1, 0.25, 0.35, 0.3), 0.7, 1.0)
"""For what learns what things look like: whole objects, many of them."""


@dataclass(frozen=True)
class PhotoSet:
    """Photographs of one folder tree, split into training and validation by a fixed rule.

    Clean large photographs are held at full and at 0.64 of their size; small, JPEG-damaged ones smaller than they are,
    where the damage is averaged away; small clean ones as they are.
    """

    groups: list[list[UInt8]]
    """Pictures ``(height, width, 3)`` uint8, one list for each kind of source."""
    shares: list[float]
    """How often a crop is drawn from each group."""

    @classmethod
    def load(
        cls,
        folders: list[Path],
        crop: int,
        validation: bool = False,
        mix: Mix = DETAIL,
        clean: list[Path] | None = None,
    ) -> "PhotoSet":
        """The photographs of either part of each folder, see `photographs`.

        ``clean``: folders whose photographs are clean at full size, however small.

        Raises:
            ImageError: a file cannot be read, or no photograph is large enough for a crop.
        """
        groups: list[list[UInt8]] = [[], [], [], []]
        pristine = clean or []
        for folder in [*folders, *pristine]:
            for path in photographs(folder, validation):
                image = _read(path)
                if max(image.size) >= _LARGE_SIDE and _LARGE_SCALE * min(image.size) > crop:
                    groups[0].append(np.asarray(image))
                    groups[1].append(_resized(image, _LARGE_SCALE))
                elif folder in pristine and min(image.size) > crop:
                    groups[3].append(np.asarray(image))
                elif (scale := max(mix.least_scale, (crop + 1) / min(image.size))) <= mix.most_scale:
                    groups[2].append(_resized(image, scale))
        shares = [share if group else 0.0 for share, group in zip(mix.shares, groups, strict=True)]
        if not any(shares):
            raise ImageError(
                f"No photograph for {'validation' if validation else 'training'} is larger than {crop} pixels a side "
                f"in {', '.join(map(str, folders))}; every tenth one is for validation, so give at least ten."
            )
        return cls(groups, [share / sum(shares) for share in shares])

    def crops(self, count: int, size: int, rng: np.random.Generator) -> Tensor:
        """``(count, 3, size, size)`` float32 in [0, 1], flipped at random."""
        batch = np.empty((count, size, size, 3), dtype=np.uint8)
        for i in range(count):
            group = self.groups[rng.choice(len(self.groups), p=self.shares)]
            picture = group[rng.integers(len(group))]
            top = rng.integers(picture.shape[0] - size + 1)
            left = rng.integers(picture.shape[1] - size + 1)
            crop = picture[top : top + size, left : left + size]
            batch[i] = crop[:, ::-1] if rng.random() < 0.5 else crop
        return torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
