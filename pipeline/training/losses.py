"""Losses of pictures that more than one network is trained with."""

from collections.abc import Sequence

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor
from torch.nn import functional

GRID = 8
"""Pixels a side of the blocks that must not show."""
_NEIGHBOURHOOD = 8
"""Blocks a side over which positions within a block are compared."""
_WINDOW = 64
_SHIFTS = (GRID, 2 * GRID)
"""Pixels: of the windows and the shifts at which repetition is measured."""
_FEATURE_WINDOWS = (8, 4)
"""Positions a side of the windows of large and of small feature maps."""
_LARGE_MAP = 24
_LEAST_VARIANCE = 1e-4
_FLAT = 3e-5
"""Local energy of detail below which a picture counts as flat: about a grey level in each channel."""


def _detail(pictures: Tensor) -> Tensor:
    return pictures - functional.avg_pool2d(functional.pad(pictures, [2] * 4, mode="replicate"), 5, 1)


def grid_contrast(pictures: Tensor) -> Tensor:
    """How unevenly fine detail lies on the 8 × 8 block grid: dots or seams at the same place of every block.

    Photographs have about 0.03 to 0.1; a texture that is a dot in each block has 0.5 and more.

    Args:
        pictures: ``(batch, 3, H, W)`` in [0, 1], sides multiples of 64.

    Returns:
        ``(batch,)``: the energy of the picture minus its 5 × 5 mean, averaged for each of the 64 positions over 8 × 8
        neighbouring blocks: its variance over the positions in units of its squared mean.
    """
    energy = _detail(pictures.float()).square().sum(1, keepdim=True)
    phases = functional.avg_pool2d(functional.pixel_unshuffle(energy, GRID), _NEIGHBOURHOOD)
    mean = phases.mean(1)
    return (phases.var(1, correction=0) / (mean + _FLAT).square()).flatten(1).mean(1)


def grid_repetition(pictures: Tensor) -> Tensor:
    """How much fine detail repeats itself one or two blocks further: a weave, which a decoder of blocks makes of
    latents that do not change. `grid_contrast` does not see it where every place of the block has its share.

    Half of all photographs have less than 0.003; a weave has 0.2 and more.

    Args:
        pictures: ``(batch, 3, H, W)`` in [0, 1], sides of at least 80.

    Returns:
        ``(batch,)``: the squared autocorrelation of the picture minus its 5 × 5 mean, in windows of 64 pixels, at 8 and
        16 pixels to the right and down.
    """
    detail = _detail(pictures.float())

    def local(product: Tensor) -> Tensor:
        return functional.avg_pool2d(product.sum(1, keepdim=True), _WINDOW, _WINDOW // 2)

    total = detail.new_zeros(len(detail))
    for shift in _SHIFTS:
        for moved, still in (
            (detail[..., shift:], detail[..., :-shift]),
            (detail[..., shift:, :], detail[..., :-shift, :]),
        ):
            energy = 0.5 * (local(moved.square()) + local(still.square()))
            total = total + (local(moved * still) / (energy + _FLAT)).square().flatten(1).mean(1)
    return total / (2 * len(_SHIFTS))


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
        channel's variance over the originals, averaged over channels, windows and layers.
    """
    parts = []
    for original, picture in zip(originals, pictures, strict=True):
        a, b = original.float(), picture.float()
        window = _FEATURE_WINDOWS[1] if min(a.shape[2:]) < _LARGE_MAP else _FEATURE_WINDOWS[0]
        unit = a.var((0, 2, 3), keepdim=True) + _LEAST_VARIANCE
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
        return (functional.avg_pool2d(_detail(images.float()).square().mean(1, keepdim=True), GRID) + _FLAT / 3).log()

    return (energy(pictures) - energy(originals)).square().flatten(1).mean(1)
