"""AVIF, HEIC and JPEG XL: boxes within boxes."""

import struct
from collections.abc import Iterator

from pipeline.pictures import icc
from pipeline.pictures.cleaned import GAIN_MAP, Cleaned, damaged

_HEVC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AV1 = {b"avif", b"avis"}
JXL_CODESTREAM = b"\xff\x0a"
JXL_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_LIKE_VIDEO = {1, 6, 14, 15}
"""Transfers of broadcasts; browsers show still pictures that say so as sRGB."""
_SRGB = 13
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIZE_BITS = (9, 13, 18, 30)


def boxes(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the body of each box; the last may be cut short."""
    position = 0
    while position + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, position)
        start = position + 8
        if length == 1 and position + 16 <= len(content):
            (length,) = struct.unpack_from(">Q", content, start)
            start += 8
        end = position + length if length else len(content)
        if end < start:
            return
        yield name, start, min(end, len(content))
        position = end


def brand(content: bytes) -> str | None:
    """``"AVIF"`` or ``"HEIF"`` as the file type box says, None for another kind of file."""
    if content[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(content[:4], "big"), 256)
    brands = [content[at : at + 4] for at in (8, *range(16, length, 4))]
    for name in brands:
        if name in _AV1 or name in _HEVC:
            return "AVIF" if name in _AV1 else "HEIF"
    return None


def clean(content: bytes) -> Cleaned:
    """Hides the EXIF of AVIF and HEIC from the decoder: turns and mirrors are boxes of their own."""
    meta = next(((start, end) for name, start, end in boxes(content) if name == b"meta"), None)
    if meta is None:
        raise damaged("it has no pixels")
    start, end = meta
    body = content[start:end]
    profile, at = None, body.find(b"colrnclx")
    if at >= 0 and len(body) >= at + 12:
        primaries, transfer = struct.unpack_from(">HH", body, at + 8)
        profile = icc.from_cicp(primaries, _SRGB if transfer in _LIKE_VIDEO else transfer)
    has_gain_map = b"hdrgainmap" in body or b"tmap" in body
    return Cleaned(
        content[:start] + body.replace(b"Exif", b"skip") + content[end:],
        profile=profile,
        notes=(GAIN_MAP,) if has_gain_map else (),
    )


def clean_jxl(content: bytes) -> Cleaned:
    """The bare codestream of a JPEG XL file, whose size is known before anything is decoded."""
    if content.startswith(JXL_CONTAINER):
        parts = [(name, content[start:end]) for name, start, end in boxes(content)]
        whole = [body for name, body in parts if name == b"jxlc"]
        content = whole[0] if whole else b"".join(body[4:] for name, body in parts if name == b"jxlp")
    if not content.startswith(JXL_CODESTREAM) or len(content) < 12:
        raise damaged("it has no pixels")
    return Cleaned(content, _jxl_size(content))


def _jxl_size(content: bytes) -> tuple[int, int]:
    bits = int.from_bytes(content[2:12], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take(_SIZE_BITS[take(2)]) + 1

    height = side()
    ratio = take(3)
    if ratio == 0:
        return side(), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height
