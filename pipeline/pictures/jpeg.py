"""JPEG: tables and scans are passed on; EXIF, XMP, comments, thumbnails and further pictures are not."""

import re

from pipeline.errors import ImageError
from pipeline.pictures.cleaned import ENDS_EARLY, GAIN_MAP, SEVERAL, Cleaned, check_size, damaged
from pipeline.pictures.exif import orientation

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = {0x00, 0x01, _START, *range(0xD0, 0xD8)}
_JFIF, _ADOBE, _APPLICATION, _COMMENT = 0xE0, 0xEE, range(0xE0, 0xF0), 0xFE
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_ICC = b"ICC_PROFILE\0"
_GAIN_MAPS = (b"hdrgm:", b"urn:iso:std:iso:ts:21496", b"hdrgainmap", b"HDRGainMap")
_MAX_SCANS = 40
_MAX_SCANNED = 400_000_000
"""Pixels times scans; real photos have at most a dozen scans."""


def clean(content: bytes) -> Cleaned:
    """Raises `ImageError` where no scan is left, or so many that they are meant to take forever."""
    kept = [b"\xff\xd8"]
    size: tuple[int, int] | None = None
    exif, several, complete, scans, position = None, False, False, 0, 2
    profile: dict[int, bytes] = {}
    while (position := content.find(b"\xff", position)) >= 0:
        position += 1
        code = content[position] if position < len(content) else 0
        if code == _END:
            complete = True
            break
        if code in _ALONE or code == 0xFF:
            continue
        end = position + 1 + int.from_bytes(content[position + 1 : position + 3], "big")
        body = content[position + 3 : end]
        if end > len(content) or end < position + 3:
            break
        if code in _FRAMES and len(body) >= 5:
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
            check_size(*size)
        if code == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body
        elif code == 0xE2 and body.startswith(_ICC) and len(body) > 14:
            profile[body[12]] = body[14:]
        several |= code == 0xE2 and body.startswith(b"MPF\0")
        if code == _SCAN:
            scans += 1
            found = _AFTER_SCAN.search(content, end)
            end = found.start() if found else len(content)
        if _is_needed(code, body):
            kept.append(content[position - 1 : end])
        position = end
    if size is None or not scans:
        raise damaged("the file ends before its pixels" if not complete else "it has no pixels")
    if scans > _MAX_SCANS and scans * size[0] * size[1] > _MAX_SCANNED:
        raise ImageError(f"The JPEG has {scans} scans, too many for its size; save it anew.")
    several_note = [GAIN_MAP] if any(mark in content for mark in _GAIN_MAPS) else [SEVERAL] if several else []
    return Cleaned(
        b"".join([*kept, b"\xff\xd9"]),
        size,
        orientation(exif),
        b"".join(profile[number] for number in sorted(profile)) or None,
        notes=(*([] if complete else [ENDS_EARLY]), *several_note),
    )


def _is_needed(code: int, body: bytes) -> bool:
    if code == _JFIF:
        return body.startswith(b"JFIF\0")
    if code == _ADOBE:
        return body.startswith(b"Adobe")
    return code not in _APPLICATION and code != _COMMENT
