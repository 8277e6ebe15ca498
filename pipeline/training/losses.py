"""Losses of pictures that more than one network is trained with."""

from collections.abc import Sequence

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor
from torch.nn import functional

from pipeline.metrics.grid import FLAT_ENERGY, GRID, fine_detail

_FEATURE_WINDOWS = (8, 4)
"""Positions a side of the windows of large and of small feature maps."""
_LARGE_MAP = 24
_LEAST_VARIANCE = 1e-4
_SILENT_SHARE = 0.05
"""Of the mean variance of a layer's channels: else a channel that the originals leave silent outweighs all others."""


def ms_ssim_error(pictures: Tensor, originals: Tensor) -> Tensor:
    """``1 - MS-SSIM``, ``(batch,)``, of ``(batch, 3, H, W)`` in [0, 1], sides of at least 161."""
    with torch.autocast(pictures.device.type, enabled=False):
        likeness: Tensor = ms_ssim(pictures.float(), originals.float(), data_range=1.0, size_average=False)
    return 1 - likeness


def feature_statistics(originals: Sequence[Tensor], pictures: Sequence[Tensor]) -> Tensor:
    """Wasserstein distortion of feature maps: local means and deviations must agree, single values need not.

    Qiu et al. 2023, arXiv 2310.03629, with square windows.

    Args:
        originals, pictures: feature maps ``(batch, channels, rows, columns)``, the same layers of both.

    Returns:
        ``(batch,)``: the squared differences of mean and deviation in windows of `_FEATURE_WINDOWS`, in units of each
        channel's variance over the originals plus `_SILENT_SHARE` of the layer's mean one, averaged over channels,
        windows and layers.
    """
    parts = []
    for original, picture in zip(originals, pictures, strict=True):
        a, b = original.float(), picture.float()
        window = _FEATURE_WINDOWS[1] if min(a.shape[2:]) < _LARGE_MAP else _FEATURE_WINDOWS[0]
        variance = a.var((0, 2, 3), keepdim=True)
        unit = variance + _SILENT_SHARE * variance.mean() + _LEAST_VARIANCE
        means_a, deviations_a = _moments(a, window, unit)
        means_b, deviations_b = _moments(b, window, unit)
        difference = (means_a - means_b).square() + (deviations_a - deviations_b).square()
        parts.append((difference / unit).flatten(1).mean(1))
    return torch.stack(parts).mean(0)


def _moments(maps: Tensor, window: int, unit: Tensor) -> tuple[Tensor, Tensor]:
    """Means and deviations in windows that overlap by half."""
    window = min(window, *maps.shape[2:])
    means = functional.avg_pool2d(maps, window, max(1, window // 2))
    squares = functional.avg_pool2d(maps.square(), window, max(1, window // 2))
    # The floor keeps the gradient of the root bounded where a window is even.
    return means, ((squares - means.square()).clamp(min=0) + 1e-3 * unit).sqrt()


def local_energy_error(pictures: Tensor, originals: Tensor) -> Tensor:
    """``(batch,)``: squared difference of the logarithms of fine detail's energy in windows of 8 × 8 pixels, of
    ``(batch, 3, H, W)`` in [0, 1]."""

    def energy(images: Tensor) -> Tensor:
        return (
            functional.avg_pool2d(fine_detail(images.float()).square().mean(1, keepdim=True), GRID) + FLAT_ENERGY / 3
        ).log()

    return (energy(pictures) - energy(originals)).square().flatten(1).mean(1)
