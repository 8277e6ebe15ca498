"""Losses of pictures that more than one network is trained with."""

from collections.abc import Sequence
from typing import cast

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor
from torch.nn import functional

from pipeline.metrics.grid import FLAT_ENERGY, GRID, fine_detail

_FEATURE_WINDOWS = (8, 4)
"""Positions a side of the windows of large and of small feature maps."""
_LARGE_MAP = 24
_LEAST_VARIANCE = 1e-4
_SPECTRUM_WINDOW = 16
"""Pixels a side of the windows that `spectrum_error` takes spectra of, every half of that."""
_SPECTRA_A_SIDE = 7
"""Windows a side whose spectra are one region's: 64 pixels a side."""
_SPECTRUM_FLOOR = 0.5 / 255
"""Deviation of white noise that spectra hardly tell from none."""
_MISSING_SHARE = 0.1
"""What missing energy counts, in units of what energy too much does."""
_PEAK_SHARE = 2.0
"""What standing out from the frequencies around counts, in the same units."""
_NEARBY = 5
"""Frequencies a side that a peak stands out from."""
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


def spectrum_error(pictures: Tensor, originals: Tensor) -> Tensor:
    """``(batch,)``: how far from the original's the energy of a picture is at each frequency, of ``(batch, 3, H, W)``
    in [0, 1], sides of at least 64.

    A texture that repeats itself puts the energy of all frequencies into a few, which neither energy as a whole nor
    LPIPS tells from detail. Too little counts for less than too much: not all detail can be known. Where much is
    missing a weave stays below the original at every frequency; what gives it away is that some are less below than
    those around them.

    Returns:
        The difference of the logarithms of the mean power spectra in regions of 64 × 64 pixels, above the original's
        and, times `_MISSING_SHARE`, below; and, times `_PEAK_SHARE`, how far it stands out from its mean over
        `_NEARBY` frequencies a side; averaged over frequencies, channels and regions.
    """
    above = _log_spectra(pictures) - _log_spectra(originals)
    level = torch.where(above > 0, above, -_MISSING_SHARE * above)
    margin = _NEARBY // 2
    # The frequencies of rows go round; those of columns end at 0 and at half the sampling rate.
    around = functional.pad(above, (0, 0, margin, margin), "circular")
    around = functional.pad(around, (margin, margin, 0, 0), "reflect")
    peaks = above - functional.avg_pool2d(around, _NEARBY, 1)
    return (level + _PEAK_SHARE * peaks.clamp(min=0)).flatten(1).mean(1)


def _log_spectra(pictures: Tensor) -> Tensor:
    """Logarithms of mean power spectra of regions, ``(batch, 3 * regions, rows' frequencies, columns')``."""
    side = _SPECTRUM_WINDOW
    weights = torch.hann_window(side, device=pictures.device)
    weights = weights[:, None] * weights
    windows = pictures.float().unfold(2, side, side // 2).unfold(3, side, side // 2)
    spectra = torch.fft.rfft2(windows * weights)
    power = spectra.real.square() + spectra.imag.square()
    planes = power.permute(0, 1, 4, 5, 2, 3)
    regions = functional.avg_pool2d(planes.flatten(1, 3), _SPECTRA_A_SIDE, _SPECTRA_A_SIDE // 2 + 1)
    floor = _SPECTRUM_FLOOR**2 * weights.square().sum()
    logarithms: Tensor = (regions + floor).log()
    return cast(Tensor, logarithms.unflatten(1, planes.shape[1:4])).permute(0, 1, 4, 5, 2, 3).flatten(1, 3)
