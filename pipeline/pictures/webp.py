"""WebP: frames are passed on; EXIF, XMP and the profile are read here or dropped."""

import struct

from pipeline.pictures.cleaned import Cleaned, damaged
from pipeline.pictures.exif import orientation

_KEPT = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_BESIDE_FLAGS = 0x20 | 0x08 | 0x04
"""Of VP8X: a profile, EXIF, XMP."""


def clean(content: bytes) -> Cleaned:
    """Raises `ImageError` where there is no frame."""
    kept: list[bytes] = []
    beside: dict[bytes, bytes] = {}
    size, position = None, 12
    while position + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, position)
        body = content[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
        if name not in _KEPT:
            beside.setdefault(name, body)
            continue
        if name == b"VP8X" and body:
            body = bytes([body[0] & ~_BESIDE_FLAGS]) + body[1:]
        size = size or _size(name, body)
        kept.append(struct.pack("<4sI", name, length) + body + b"\0" * (length % 2))
    if size is None:
        raise damaged("it has no pixels")
    chunks = b"WEBP" + b"".join(kept)
    return Cleaned(
        b"RIFF" + struct.pack("<I", len(chunks)) + chunks,
        size,
        orientation(beside.get(b"EXIF")),
        beside.get(b"ICCP"),
    )


def _size(name: bytes, body: bytes) -> tuple[int, int] | None:
    if name == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if name == b"VP8 " and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if name == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
