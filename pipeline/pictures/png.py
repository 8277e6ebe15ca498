"""PNG: only the chunks that make the pixels are passed on; the rest is read here, within bounds, or dropped."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace

from pipeline.pictures import colour, icc
from pipeline.pictures.cleaned import ENDS_EARLY, Cleaned, check_size, damaged
from pipeline.pictures.exif import orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ANIMATED = "The picture is an animation; its first frame is used."
_ZLIB_HEADER = 2
_MAX_PROFILE = 8_000_000
_PALETTE, _GREY = 3, (0, 4)
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BESIDE = {b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"acTL"}
_ANYWHERE = {b"IHDR", b"PLTE", b"eXIf"}
_CICP_OF_SRGB = bytes([1, 13, 0, 1])
_PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
"""First column, step, first row, step of each pass of an interlaced picture."""


def clean(content: bytes) -> Cleaned:
    """Raises `ImageError` where the header, the palette or all pixels are missing or damaged."""
    chunks, pixels, complete = _chunks(content)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise damaged("it has no header")
    width, height, depth, kind = struct.unpack_from(">IIBB", header)
    check_size(width, height)
    if kind not in _CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise damaged("its pixels are of an unknown kind")
    if not pixels:
        raise damaged("it has no pixels")
    if not complete:
        pixels, complete = _filled(pixels, header)
    if kind == _PALETTE and not chunks.get(b"PLTE"):
        raise damaged("it has no palette")
    transparent, key = _transparency(chunks, kind, depth)
    return Cleaned(
        _file({b"IHDR": header, b"PLTE": chunks.get(b"PLTE"), b"tRNS": transparent, b"IDAT": pixels}),
        (width, height),
        orientation(chunks.get(b"eXIf")),
        _profile(chunks, kind),
        grey=kind in _GREY,
        key=key,
        notes=(*([] if complete else [ENDS_EARLY]), *([ANIMATED] if b"acTL" in chunks else [])),
    )


def repaired(cleaned: Cleaned) -> Cleaned:
    """The picture with the sound pixels of a compressed stream that lacks its end or has a wrong checksum.

    Raises `ImageError` where there are none.
    """
    chunks, pixels, _ = _chunks(cleaned.content)
    pixels, whole = _filled(pixels, chunks[b"IHDR"])
    notes = cleaned.notes if whole or ENDS_EARLY in cleaned.notes else (ENDS_EARLY, *cleaned.notes)
    return replace(cleaned, content=_file(chunks | {b"IDAT": pixels}), notes=notes)


def _file(chunks: Mapping[bytes, bytes | bytearray | None]) -> bytes:
    parts = [_chunk(name, body) for name, body in chunks.items() if body is not None]
    return b"".join((SIGNATURE, *parts, _chunk(b"IEND", b"")))


def _chunks(content: bytes) -> tuple[dict[bytes, bytes], bytes | bytearray, bool]:
    """What lies beside the pixels, the compressed pixels, and whether the file has its end."""
    chunks: dict[bytes, bytes] = {}
    pixels = bytearray()
    view, position = memoryview(content), len(SIGNATURE)
    while position + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, position)
        body = view[position + 8 : position + 8 + length]
        position += 12 + length
        if name == b"IEND":
            return chunks, pixels, position <= len(content)
        if name == b"IDAT":
            pixels += body
        elif name in _ANYWHERE or (name in _BESIDE and not pixels):
            if content[position - 4 : position] == zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big"):
                chunks.setdefault(name, bytes(body))
            elif name not in _BESIDE:
                raise damaged(f"the checksum of {name.decode()} is wrong")
    return chunks, pixels, False


def _chunk(name: bytes, body: bytes | bytearray) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


def _raw_sizes(header: bytes) -> tuple[int, int]:
    """Bytes of the first row and of the whole picture before compression, filter bytes included."""
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * _CHANNELS[kind]

    def row(columns: int) -> int:
        return 1 + (columns * bits + 7) // 8 if columns else 0

    if not interlaced:
        return row(width), row(width) * height
    passes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, dx, y, dy in _PASSES]
    return row(passes[0][0]), sum(row(columns) * rows for columns, rows in passes if columns > 0 and rows > 0)


def _filled(data: bytes | bytearray, header: bytes) -> tuple[bytes, bool]:
    """A stream with zeros for the pixels that are missing, and whether none are; its checksum is not looked at."""
    first_row, whole = _raw_sizes(header)
    try:
        raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(memoryview(data)[_ZLIB_HEADER:], whole)
    except zlib.error as error:
        raise damaged(error) from None
    if len(raw) < first_row:
        raise damaged("the file ends before its pixels")
    return zlib.compress(raw.ljust(whole, b"\0"), 0), len(raw) == whole


def _transparency(chunks: dict[bytes, bytes], kind: int, depth: int) -> tuple[bytes | None, tuple[int, ...] | None]:
    """The chunk as Pillow understands it, or the key of 16-bit samples, which it does not."""
    body = chunks.get(b"tRNS", b"")
    if kind == _PALETTE:
        return body if 0 < 3 * len(body) <= len(chunks[b"PLTE"]) else None, None
    if kind not in (0, 2) or len(body) != 2 * _CHANNELS[kind]:
        return None, None
    key = tuple(value & ((1 << depth) - 1) for value in struct.unpack(f">{_CHANNELS[kind]}H", body))
    if depth == 16:
        return None, key
    scale = 1 if depth in (1, 8) else 255 // ((1 << depth) - 1)
    return struct.pack(f">{len(key)}H", *(value * scale for value in key)), None


def _profile(chunks: dict[bytes, bytes], kind: int) -> bytes | None:
    """The colour space as browsers choose it: cICP, then iCCP, sRGB, cHRM with gAMA."""
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer, matrix, full = chunks[b"cICP"]
        profile = icc.from_cicp(primaries, transfer) if (matrix, full) == (0, 1) else None
        if profile or chunks[b"cICP"] == _CICP_OF_SRGB:
            return profile
    if b"iCCP" in chunks:
        _, _, compressed = chunks[b"iCCP"].partition(b"\0")
        profile = _inflated(compressed[1:])
        if profile and colour.space(profile) in (("RGB", "GRAY") if kind in _GREY else ("RGB",)):
            return profile
    if b"sRGB" in chunks:
        return None
    gamma, corners = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    exponent = 100_000 / (int.from_bytes(gamma, "big") or 45_455) if len(gamma) == 4 else None
    if len(corners) == 32:
        return icc.from_chromaticities([value / 100_000 for value in struct.unpack(">8I", corners)], exponent)
    return icc.from_gamma(exponent) if exponent else None


def _inflated(data: bytes) -> bytes | None:
    try:
        stream = zlib.decompressobj()
        profile = stream.decompress(data, _MAX_PROFILE)
    except zlib.error:
        return None
    return None if stream.unconsumed_tail else profile
