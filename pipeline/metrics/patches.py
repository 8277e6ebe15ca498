"""Kernel distance (KD) and Fréchet distance (FD): do patches look like patches of originals, whichever they are?

Built like KID (Bińkowski et al. 2018, arXiv 1801.01401) and FID (Heusel et al. 2017, arXiv 1706.08500), with two
changes that fit small sets of large pictures: the samples are non-overlapping 64 × 64 patches, and the features are
the channel means of SqueezeNet's seven LPIPS stages, standardised by the originals' mean and deviation. The values
compare methods on one set of pictures; they are not comparable with KID, with FID, or between sets.
"""

import numpy as np
import torch
from torch import Tensor

from pipeline.arrays import UInt8
from pipeline.images import to_tensor
from pipeline.metrics.perceptual.networks import official_squeezenet

PATCH = 64
_BATCH = 32
_ROWS = 1024
"""Rows of a kernel matrix held at once."""


@torch.inference_mode()
def patch_features(picture: UInt8) -> Tensor:
    """Features ``(patches, 2240)`` float32 of the 64 × 64 patches of a ``(H, W, 3)`` uint8 picture, row by row.

    What is left over at the right and at the bottom is ignored; a picture below 64 × 64 has no patches.

    Raises:
        BitbrushError: SqueezeNet's weights are neither in the hub folder nor reachable.
    """
    network = official_squeezenet("Patch distances need")
    height, width = (side // PATCH * PATCH for side in picture.shape[:2])
    tiles = picture[:height, :width].reshape(height // PATCH, PATCH, width // PATCH, PATCH, 3).swapaxes(1, 2)
    features = [torch.empty(0, sum(network.chns))]
    for batch in np.split(tiles.reshape(-1, PATCH, PATCH, 3), range(_BATCH, height * width // PATCH**2, _BATCH)):
        if len(batch):
            stages = network.net(network.scaling_layer(2 * torch.cat([to_tensor(tile) for tile in batch]) - 1))
            features.append(torch.cat([stage.mean((2, 3)) for stage in stages], 1))
    return torch.cat(features)


def kernel_distance(original_features: Tensor, features: Tensor) -> float:
    """Squared maximum mean discrepancy under KID's kernel ``k(a, b) = (a·b / d + 1)³``, unbiased.

    Row i of both ``(patches, channels)`` tensors describes the same place, so pairs (i, i) are left out of the cross
    term too (the one-sample U-statistic of Gretton et al. 2012, eq. 4): identical pictures give exactly 0, and a small
    distance may come out slightly negative.
    """
    a, b = _standardise(original_features, features)
    return (_mean_kernel(a, a) + _mean_kernel(b, b) - _mean_kernel(a, b) - _mean_kernel(b, a)).item()


def frechet_distance(original_features: Tensor, features: Tensor) -> float:
    """``|μa − μb|² + tr(Ca + Cb − 2 (Ca Cb)^½)`` of both ``(patches, channels)`` tensors.

    Biased upwards when patches are few: compare only numbers from the same count of patches.
    """
    a, b = _standardise(original_features, features)
    roots = []
    for x in (a, b):
        roots.append(torch.linalg.qr((x - x.mean(0)) / (len(x) - 1) ** 0.5, mode="r").R)
    # C = RᵀR, so the eigenvalues of Ca Cb are the squared singular values of Ra Rbᵀ.
    cross = torch.linalg.svdvals(roots[0] @ roots[1].T).sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + sum(root.square().sum() for root in roots) - 2 * cross
    return float(distance.clamp(min=0))


def _standardise(original_features: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Both in float64, in units of the originals' deviation; channels constant over the originals are dropped."""
    if original_features.shape != features.shape or len(features) < 2:
        raise ValueError(f"Need the same patches of both, two or more: {original_features.shape}, {features.shape}.")
    original_features, features = original_features.double(), features.double()
    mean, deviation = original_features.mean(0), original_features.std(0)
    varies = deviation > 1e-6
    a, b = ((x - mean)[:, varies] / deviation[varies] for x in (original_features, features))
    return a, b


def _mean_kernel(a: Tensor, b: Tensor) -> Tensor:
    """Mean of ``k(a_i, b_j)`` over i ≠ j."""
    total = sum((((rows @ b.T) / a.shape[1] + 1) ** 3).sum() for rows in a.split(_ROWS))
    diagonal = (((a * b).sum(1) / a.shape[1] + 1) ** 3).sum()
    mean: Tensor = (total - diagonal) / (len(a) * (len(a) - 1))
    return mean
