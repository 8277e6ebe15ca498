"""Where the bits go, decided by the sender: levels of a quality map from the picture, or from a painted mask."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipeline.arrays import STRIP
from pipeline.autoencoder.quality_map import map_bits
from pipeline.errors import SettingsError
from pipeline.layers.quality import CELL
from pipeline.settings import Allocation, QualityMapKind

_LUMA = (0.299, 0.587, 0.114)
_BLOCK = 8
_FLOOR = 256.0
"""Variance in squared grey levels that is added to that of every block: far below it all is alike, as coding errors of
the rates in use are about as large."""
ADAPTIVE_MOST = 3
"""Levels that an adaptive map departs from the picture's quality at most."""
_SHAPE_TOLERANCE = 0.02
PAINTED_LEVELS = 9
"""By how many levels white parts of a mask are raised above black ones."""
_SHADES = 3
"""Steps from black to white; few are cheap."""
_BINOMIAL = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=torch.float64)[None, None] / 16
_MOST_BLURS = 8
_STRENGTHS = (1, 2 / 3, 1 / 3)
_SHARE, _LEAST = 0.01, 128
"""Of a stream's bits that its quality map may take, and the bits that it may always take."""


def wanted_levels(allocation: Allocation, image: Image.Image, padded: Tensor) -> Tensor | None:
    """Levels ``(rows, columns)`` int64 for ``image``, which is ``padded`` ``(1, 3, height, width)`` in [0, 1]; None
    where all are 0.

    Raises:
        SettingsError: a mask of another shape.
    """
    if allocation.kind is QualityMapKind.ADAPTIVE:
        levels = adaptive_levels(padded, allocation.strength)
    elif allocation.mask is not None:
        levels = painted_levels(fitting(allocation.mask, image), *padded.shape[2:])
    else:
        return None
    return levels if levels.any() else None


def adaptive_levels(image: Tensor, strength: float) -> Tensor:
    """Levels ``(rows, columns)`` int64 for ``image`` ``(1, 3, height, width)`` in [0, 1], sides multiples of `CELL`.

    Variance-based adaptive quantisation, as in x264: a level is ``-strength`` times the mean of the log variance of a
    cell's 8 x 8 blocks, in doublings relative to the picture's mean.
    """
    # On a CPU the convolution works on 16 channels however few there are: gigabytes for a large picture.
    activity = torch.cat([_activity(strip) for strip in image.split(STRIP, 2)])
    levels = -strength * (activity - activity.mean())
    return torch.round(levels).long().clamp(-ADAPTIVE_MOST, ADAPTIVE_MOST).cpu()


def _activity(image: Tensor) -> Tensor:
    """``(rows, columns)``: the mean log variance of every cell's blocks."""
    luma = F.conv2d(image, 255 * image.new_tensor(_LUMA)[None, :, None, None])
    variance = F.avg_pool2d(luma.square(), _BLOCK) - F.avg_pool2d(luma, _BLOCK).square()
    return F.avg_pool2d(torch.log2(variance.clamp(min=0) + _FLOOR), CELL // _BLOCK)[0, 0]


def fitting(mask: Image.Image, image: Image.Image) -> Image.Image:
    """``mask`` in grey, at the size of ``image``.

    Raises:
        SettingsError: it has another shape.
    """
    if abs(mask.width * image.height - mask.height * image.width) > _SHAPE_TOLERANCE * mask.width * image.height:
        raise SettingsError(
            f"The mask has {mask.width} × {mask.height} pixels and the picture {image.width} × {image.height}; give "
            "the mask the shape of the picture."
        )
    return mask.convert("L").resize(image.size, Image.Resampling.BOX)


def painted_levels(mask: Image.Image, height: int, width: int) -> Tensor:
    """Levels ``(rows, columns)`` int64 for a padded picture of ``height`` x ``width`` whose top left is ``mask``.

    The mask's brightness says how much more each place is worth: white `PAINTED_LEVELS` more than black. The least
    worth has level 0: a mask that is alike all over says nothing.
    """
    worth = torch.from_numpy(np.array(mask)).float()[None, None] / 255
    padded = F.pad(worth, (0, width - mask.width, 0, height - mask.height), mode="replicate")
    shades = torch.round(F.avg_pool2d(padded, CELL)[0, 0] * _SHADES).long()
    return (shades - shades.min()) * (PAINTED_LEVELS // _SHADES)


def ever_weaker(levels: Tensor | None, stream_bits: float) -> Iterator[Tensor | None]:
    """The `affordable` versions of ``levels``, of these at less and less of their strength, and none: what raises parts
    of a picture too far may ask for more than a small stream holds."""
    if levels is not None:
        for strength in _STRENGTHS:
            weaker = affordable(torch.round(strength * levels).long(), stream_bits)
            if weaker is not None:
                yield weaker
    yield None


def affordable(levels: Tensor, stream_bits: float) -> Tensor | None:
    """``levels``, or the first of ever cheaper versions of them that a stream of this size affords; None where no map
    is that cheap."""
    bits = max(_SHARE * stream_bits, _LEAST)
    cheap = next((candidate for candidate in _ever_cheaper(levels) if map_bits(candidate) <= bits), None)
    return cheap if cheap is not None and cheap.any() else None


def _ever_cheaper(levels: Tensor) -> Iterator[Tensor]:
    """``levels``, high ones less high, then ever more blurred, then in ever larger cells."""
    yield levels
    exact = levels.double()[None, None]
    peak = int(levels.abs().max())
    for height in range(peak - 1, ADAPTIVE_MOST, -1):
        yield torch.round(exact * height / peak)[0, 0].long()
    blurred = exact
    for _ in range(_MOST_BLURS):
        blurred = F.conv2d(F.pad(blurred, (1, 1, 1, 1), mode="replicate"), _BINOMIAL)
        yield torch.round(blurred)[0, 0].long()
    rows, columns = levels.shape
    cells = 2
    while cells < max(rows, columns):
        means = F.avg_pool2d(exact, cells, ceil_mode=True, count_include_pad=False)
        yield torch.round(F.interpolate(means, scale_factor=cells))[0, 0, :rows, :columns].long()
        cells *= 2
