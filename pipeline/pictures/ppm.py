"""PBM, PGM, PPM and PFM: headers lose their comments; numbers in words become binary, which decoders read in time."""

import re

import numpy as np

from pipeline.pictures.cleaned import Cleaned, check_size, damaged

_GAP = rb"(?:\s|#[^\n]*\n)"
"""Repeated by ``++`` alone, which remembers no way back: with ``+`` a file of spaces takes a hundred times its size."""
START = re.compile(rb"P[1-6fF]" + _GAP + rb"++\d")
_HEADER = re.compile(
    rb"P([14]|([2356fF]))" + _GAP + rb"++(\d{1,9})" + _GAP + rb"++(\d{1,9})(?(2)" + _GAP + rb"++([^\s#]+))" + _GAP
)
"""Kind, kind if it has a top, width, height, top."""
_BINARY = {b"2": b"5", b"3": b"6"}
_COMMENT = re.compile(rb"#[^\n]*")
_NO_NUMBER = re.compile(rb"[^\d\s]")
_TOO_LONG = re.compile(rb"\d{10}")
"""A number that may not fit into 32 bits."""


def clean(content: bytes) -> Cleaned:
    """Raises `ImageError` for a broken header, and for numbers that are missing, too large, or no numbers."""
    header = _HEADER.match(content)
    if header is None:
        raise damaged("its header is cut or broken")
    kind, _, width, height, top = header.groups()
    size = int(width), int(height)
    check_size(*size)
    pixels, columns, channels = memoryview(content)[header.end() :], width, 1
    if kind in _BINARY:
        pixels = _binary(bytes(pixels), size[0] * size[1] * (3 if kind == b"3" else 1), int(top))
        kind = _BINARY[kind]
    elif kind == b"F":
        kind, columns, channels = b"f", b"%d" % (3 * size[0]), 3
    words = [b"P" + kind, columns, height, *([top] if top else [])]
    return Cleaned(b"".join((b" ".join(words), b"\n", pixels)), size, channels=channels)


def _binary(text: bytes, count: int, top: int) -> memoryview:
    """The first ``count`` numbers of a text, as a binary file holds them."""
    text = _COMMENT.sub(b"", text)
    if junk := _NO_NUMBER.search(text):
        text = text[: junk.start()]
    # Told how many to read, NumPy fills up with whatever the memory held where there are fewer.
    samples = np.fromstring(text.strip(), np.uint32, sep=" ")[:count]
    if len(samples) < count or samples.max() > top or top > 65_535 or _TOO_LONG.search(text):
        raise damaged("its numbers do not make a picture")
    return samples.astype(">u2" if top > 255 else "u1").data.cast("B")
