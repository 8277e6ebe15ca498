"""A steerable pyramid in the Fourier domain: oriented bands an octave apart, a tight frame.

Simoncelli and Freeman 1995, with the raised cosines of Portilla and Simoncelli 2000, section 2. The ``plenoptic``
package has one too, but needs seven packages that nothing else here does.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

ORIENTATIONS = 4
LEVELS = 4


def steerable_pyramid(planes: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The bands of ``(C, H, W)`` float64, sides multiples of ``2 ** LEVELS``, at whose borders they are periodic.

    Yields the level, 0 … `LEVELS`, and the band ``(C, H / 2 ** level, W / 2 ** level)``: first the high-pass residual,
    then `ORIENTATIONS` bands a level, last the low-pass one. The means of the bands' squares add up to that of the
    planes' (Parseval).
    """
    spectrum = torch.fft.fftshift(torch.fft.fft2(planes, norm="forward"), dim=(-2, -1))
    radius, angle = _polar(*planes.shape[-2:])
    yield 0, _plane(spectrum * _high(radius / 2))
    spectrum = spectrum * _low(radius / 2)
    for level in range(LEVELS):
        radius, angle = _polar(*spectrum.shape[-2:])
        band = spectrum * _high(radius)
        for orientation in range(ORIENTATIONS):
            # An odd power of the cosine is an odd function; i makes the band real.
            yield level, _plane(band * _lobe(angle - math.pi * orientation / ORIENTATIONS) * 1j ** (ORIENTATIONS - 1))
        height, width = spectrum.shape[-2:]
        inner = (..., slice(height // 4, height - height // 4), slice(width // 4, width - width // 4))
        spectrum = (spectrum * _low(radius))[inner]
    yield LEVELS, _plane(spectrum)


def _plane(spectrum: Tensor) -> Tensor:
    plane: Tensor = torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1)), norm="forward").real
    return plane


def _polar(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Radius, in units of half the sampling rate, and angle of every frequency, the lowest in the middle."""
    rows, columns = (torch.fft.fftshift(2 * torch.fft.fftfreq(side, dtype=torch.float64)) for side in (height, width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.hypot(x, y), torch.atan2(y, x)


def _low(radius: Tensor) -> Tensor:
    """1 up to a quarter of the band, 0 from half of it on."""
    octaves = torch.log2(4 * radius.clamp(0.25, 0.5))
    return torch.cos(math.pi / 2 * octaves)


def _high(radius: Tensor) -> Tensor:
    """What `_low` leaves: their squares add up to 1."""
    octaves = torch.log2(4 * radius.clamp(0.25, 0.5))
    return torch.sin(math.pi / 2 * octaves)


def _lobe(angle: Tensor) -> Tensor:
    """A lobe to either side; the squares of all `ORIENTATIONS` add up to 1."""
    power = ORIENTATIONS - 1
    total = ORIENTATIONS * math.comb(2 * power, power) / 4**power
    return angle.cos() ** power / math.sqrt(total)
