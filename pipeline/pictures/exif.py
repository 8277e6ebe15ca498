"""The one thing EXIF is read for: which way is up."""

import struct

from PIL import Image

_ORIENTATION = 0x0112
_FORMATS = {1: "B", 3: "H", 4: "I"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(data: bytes | None) -> int:
    """1 to 8; 1 where ``data`` is not EXIF, or says nothing that can be understood."""
    try:
        return _orientation((data or b"").removeprefix(b"Exif\0\0"))
    except (struct.error, KeyError):
        return 1


def _orientation(data: bytes) -> int:
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]]
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag == _ORIENTATION:
            (value,) = struct.unpack_from(order + _FORMATS[kind], data, entry + 8)
            return value if value in _TURNS else 1
    return 1


def upright(image: Image.Image, value: int) -> Image.Image:
    """Turns and mirrors a picture as its orientation says."""
    return image.transpose(_TURNS[value]) if value in _TURNS else image
