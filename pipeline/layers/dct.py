"""Fixed orthonormal block DCT with decorrelated colour: the linear start of both transforms.

The learned paths are added to it and begin at zero, so that training starts at the level of a JPEG-like codec instead
of at noise. Coefficients are ordered from low to high frequency, which is also the order of the entropy model's
channel groups.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# Orthonormal colour transform: luma, blue-yellow, red-green (the Karhunen-Loeve directions of natural images).
_COLOUR = torch.tensor(
    [
        [1 / math.sqrt(3), 1 / math.sqrt(3), 1 / math.sqrt(3)],
        [1 / math.sqrt(2), 0.0, -1 / math.sqrt(2)],
        [1 / math.sqrt(6), -2 / math.sqrt(6), 1 / math.sqrt(6)],
    ],
    dtype=torch.float64,
)


def _cosines(size: int) -> Tensor:
    """Orthonormal DCT-II matrix of shape ``(size, size)``, one frequency a row."""
    k = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi * (2 * k[None, :] + 1) * k[:, None] / (2 * size)) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of the colour DCT: ``plane`` 0 is luma, ``row`` and ``column`` count half periods in a block."""

    plane: int
    row: int
    column: int


def dct_coefficients(block: int, luma: int, chroma: int) -> list[Coefficient]:
    """The lowest ``luma + 2 * chroma`` coefficients, lowest frequency first; arguments as of `dct_basis`."""
    v, u = torch.meshgrid(torch.arange(block), torch.arange(block), indexing="ij")
    radius = (u.double() ** 2 + v.double() ** 2).flatten()
    ranked: list[tuple[float, Coefficient]] = []
    for plane, keep in enumerate((luma, chroma, chroma)):
        for index in torch.argsort(radius, stable=True)[:keep].tolist():
            # Chroma carries less energy: it ranks with luma of about twice its frequency.
            rank = float(radius[index]) * (1 if plane == 0 else 4) + 0.1 * plane
            ranked.append((rank, Coefficient(plane, *divmod(index, block))))
    ranked.sort(key=lambda pair: pair[0])
    return [coefficient for _, coefficient in ranked]


def dct_basis(block: int, luma: int, chroma: int) -> Tensor:
    """The lowest ``luma + 2 * chroma`` colour DCT basis images, lowest frequency first.

    Args:
        block: side of a block in pixels.
        luma: how many luma coefficients to keep, at most ``block ** 2``.
        chroma: how many coefficients to keep of each of the two chroma planes.

    Returns:
        `torch.Tensor` of shape ``(luma + 2 * chroma, 3, block, block)``, float32, orthonormal rows.
    """
    cosines = _cosines(block)
    images = [
        _COLOUR[each.plane][:, None, None] * torch.outer(cosines[each.row], cosines[each.column])
        for each in dct_coefficients(block, luma, chroma)
    ]
    return torch.stack(images).float()


def picture_of(coefficients: Tensor, basis: Tensor) -> Tensor:
    """Coefficients ``(batch, channels, rows, columns)`` => the picture that they are of, ``(batch, planes,
    rows * block, columns * block)``; ``basis`` is ``(channels, planes, block, block)``.

    A transposed convolution whose blocks do not overlap, written as a product: several times as fast on processors.
    """
    blocks = F.conv2d(coefficients, basis.flatten(1).mT[..., None, None])
    return F.pixel_shuffle(blocks, basis.shape[-1])
