"""ICC profiles made from what PNG, AVIF and HEIC say in numbers: primaries and a transfer curve."""

import struct
from functools import lru_cache

import numpy as np

from pipeline.arrays import Float64, UInt16

_D65 = (0.3127, 0.3290)
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SRGB_PRIMARIES = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES = {
    1: _SRGB_PRIMARIES,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
"""ITU-T H.273's colour primaries: x and y of white, red, green, blue."""
_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_BT709 = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_SMPTE240 = (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4.0, 0.0913)
_TRANSFERS = {
    1: _BT709, 4: (2.2,), 5: (2.8,), 6: _BT709, 7: _SMPTE240, 8: (1.0,), 13: _SRGB, 14: _BT709, 15: _BT709,
}  # fmt: skip
"""H.273's transfer characteristics as ICC's parameters: an exponent, or g, a, b, c, d."""
_PQ, _HLG = 16, 18
_PAPER_WHITE = 203.0
"""Candelas per square metre that HDR pictures mean by the white of a page (ITU-R BT.2408)."""
_TABLE = np.linspace(0, 1, 4096)
_DISPLAY_GAMMA = 2.2


@lru_cache(maxsize=64)
def from_cicp(primaries: int, transfer: int) -> bytes | None:
    """ICC profile of H.273's code points; None where they are unspecified or unknown, or simply sRGB."""
    if primaries not in _PRIMARIES or (primaries, transfer) == (1, 13):
        return None
    if transfer == _PQ:
        return _profile(_PRIMARIES[primaries], _table(_pq_nits(_TABLE) / _PAPER_WHITE))
    if transfer == _HLG:
        return _profile(_PRIMARIES[primaries], _table((_hlg(_TABLE) / _hlg(np.array(0.75))) ** 1.2))
    if transfer not in _TRANSFERS:
        return None
    return _profile(_PRIMARIES[primaries], _parametric(*_TRANSFERS[transfer]))


def from_chromaticities(corners: list[float], exponent: float | None) -> bytes | None:
    """ICC profile of x and y of white, red, green, blue with a power curve, sRGB's without; None if impossible."""
    return _profile(tuple(corners), _parametric(exponent) if exponent else _parametric(*_SRGB))


def from_gamma(exponent: float) -> bytes | None:
    """ICC profile of sRGB's primaries that undoes a power curve as if for a display of 2.2; None if that is nothing."""
    power = exponent / _DISPLAY_GAMMA
    if abs(1 / power - 1) < 0.05:
        return None
    g, a, b, c, d = _SRGB
    shown = _TABLE**power
    return _profile(_SRGB_PRIMARIES, _table(np.where(shown >= d, (a * shown + b) ** g, c * shown)))


def _pq_nits(signal: Float64) -> Float64:
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    nits: Float64 = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return nits


def _hlg(signal: Float64) -> Float64:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _fixed(*values: float) -> bytes:
    """ICC's signed numbers of 16 bits before and after the point."""
    return struct.pack(
        f">{len(values)}i", *(int(np.clip(round(value * 65536), -(2**31), 2**31 - 1)) for value in values)
    )


def _parametric(*parameters: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 0 if len(parameters) == 1 else 3, 0) + _fixed(*parameters)


def _table(light: Float64) -> bytes:
    steps: UInt16 = np.round(np.clip(light, 0, 1) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(steps)) + steps.tobytes()


def _profile(corners: tuple[float, ...], curve: bytes) -> bytes | None:
    columns = _columns(corners)
    if columns is None:
        return None
    points = zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), (_D50, *columns.T), strict=True)
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*point) for name, point in points}
    tags |= {name: curve for name in (b"rTRC", b"gTRC", b"bTRC")}
    for name in (b"desc", b"cprt"):
        tags[name] = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + "-".encode("utf-16-be")
    directory, bodies, offset = [], [], 132 + 12 * len(tags)
    for name, body in tags.items():
        directory.append(struct.pack(">4sII", name, offset, len(body)))
        bodies.append(body + b"\0" * (-len(body) % 4))
        offset += len(bodies[-1])
    kinds = (b"mntr", b"RGB ", b"XYZ ", b"", b"acsp", b"")
    header = struct.pack(">I4sI4s4s4s12s4s28s12s", offset, b"", 0x04300000, *kinds, _fixed(*_D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + b"".join(directory + bodies)


def _columns(corners: tuple[float, ...]) -> Float64 | None:
    """``(3, 3)``: XYZ of red, green and blue under ICC's white; None for corners that span no colours."""
    points = np.array(corners).reshape(4, 2)
    if (points[:, 1] <= 0).any() or not np.isfinite(points).all():
        return None
    xyz = np.stack([points[:, 0] / points[:, 1], np.ones(4), (1 - points.sum(1)) / points[:, 1]])
    white, corners_xyz = xyz[:, 0], xyz[:, 1:]
    if abs(np.linalg.det(corners_xyz)) < 1e-6:
        return None
    native = corners_xyz * np.linalg.solve(corners_xyz, white)
    cone, cone_d50 = _BRADFORD @ white, _BRADFORD @ _D50
    if (np.abs(cone) < 1e-6).any():
        return None
    adapted: Float64 = np.linalg.inv(_BRADFORD) @ np.diag(cone_d50 / cone) @ _BRADFORD @ native
    return adapted
