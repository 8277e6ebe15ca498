"""Where the bits go, decided by the sender: levels of a quality map from a mask that a person painted."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipeline.autoencoder.quality_map import map_bits
from pipeline.errors import SettingsError
from pipeline.layers.quality import CELL

_SHAPE_TOLERANCE = 0.02
PAINTED_LEVELS = 6
"""By how many levels white parts of a mask are raised above black ones."""
_SHARE, _LEAST = 0.01, 128
"""Of a stream's bits that its quality map may take, and the bits that it may always take."""


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

    The mask's brightness says how much more each place is worth: white `PAINTED_LEVELS` more than black.
    """
    worth = torch.from_numpy(np.array(mask)).float()[None, None] / 255
    padded = F.pad(worth, (0, width - mask.width, 0, height - mask.height), mode="replicate")
    return torch.round(F.avg_pool2d(padded, CELL)[0, 0] * PAINTED_LEVELS).long()


def affordable(levels: Tensor, stream_bits: float) -> Tensor | None:
    """``levels``, or a coarser version of them that a stream of this size affords; None where no map is that cheap."""
    bits = max(_SHARE * stream_bits, _LEAST)
    rows, columns = levels.shape
    wanted, cells = levels, 1
    while map_bits(wanted) > bits:
        cells *= 2
        if cells >= max(rows, columns):
            return None
        means = F.avg_pool2d(levels.double()[None, None], cells, ceil_mode=True, count_include_pad=False)
        wanted = torch.round(F.interpolate(means, scale_factor=cells))[0, 0, :rows, :columns].long()
    return wanted if wanted.any() else None
