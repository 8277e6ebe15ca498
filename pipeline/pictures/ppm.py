"""PPM and PGM whose numbers are written in words become binary, which decoders read in time."""

import re

import numpy as np

from pipeline.pictures.cleaned import Cleaned, check_size, damaged

_GAP = rb"\s+(?:#[^\n]*\n\s*)*"
START = re.compile(rb"P[1-6f]" + _GAP + rb"\d")
_WORDS = re.compile(rb"P([23])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,5})\s")
_COMMENT = re.compile(rb"#[^\n]*")


def clean(content: bytes) -> Cleaned:
    """Raises `ImageError` for numbers that are missing, too large, or no numbers."""
    header = _WORDS.match(content)
    if header is None:
        return Cleaned(content)
    kind, width, height, top = map(int, header.groups())
    check_size(width, height)
    count = width * height * (3 if kind == 3 else 1)
    text = content[header.end() :]
    if b"#" in text:
        text = _COMMENT.sub(b"", text)
    # Told how many to read, NumPy fills up with whatever the memory held where there are fewer.
    samples = np.fromstring(text, np.uint32, sep=" ")[:count]
    if len(samples) < count or samples.max() > top or top > 65_535:
        raise damaged("its numbers do not make a picture")
    header_bytes = b"P%d %d %d %d\n" % (kind + 3, width, height, top)
    return Cleaned(header_bytes + samples.astype(">u2" if top > 255 else "u1").tobytes())
