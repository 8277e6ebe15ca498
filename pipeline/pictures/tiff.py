"""TIFF: the first directory is written anew, behind the pixels, with only the tags that make them."""

import struct
from dataclasses import dataclass
from typing import Any

from PIL import ImageFile

from pipeline.pictures.cleaned import SEVERAL, Cleaned, check_size, damaged

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 256, 257, 258, 262, 274, 277
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _EXTRA, _FORMAT = 284, 317, 322, 323, 338, 339
_KEPT = {
    _WIDTH, _HEIGHT, _BITS, 259, _PHOTOMETRIC, 266, 273, _SAMPLES, 278, 279, _PLANAR, 292, 293, _PREDICTOR, 320,
    _TILE_WIDTH, _TILE_HEIGHT, 324, 325, 332, _EXTRA, _FORMAT, 347, *range(512, 522), 529, 530, 531, 532, 34675,
}  # fmt: skip
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_VALUES = 64
_MAX_BITS = 64
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_IN_NATIVE_ORDER = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}
"""Pillow's raw modes of big-endian samples, and of the same samples in the machine's order."""


@dataclass(frozen=True)
class _Layout:
    """Of a file: the byte order, and whether offsets have 64 bits."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        return "Q" if self.big else "I"

    @property
    def start(self) -> int:
        """Where the file says where its first directory is."""
        return 8 if self.big else 4

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(f"{self.order}HH{self.offset}{8 if self.big else 4}s")


def clean(content: bytes) -> Cleaned:
    """Raises `ImageError` for a directory that cannot be followed, or that points to more than the file holds."""
    layout = _Layout({b"I": "<", b"M": ">"}[content[:1]], 43 in content[2:4])
    (start,) = struct.unpack_from(layout.order + layout.offset, content, layout.start)
    first = start + struct.calcsize(layout.count)
    (count,) = struct.unpack_from(layout.count, content, start)
    size = layout.entry.size
    if first + count * size > len(content):
        raise damaged("the file ends within its directory")
    entries: dict[int, tuple[int, int, bytes]] = {}
    values: dict[int, tuple[int, ...]] = {}
    for at in range(first, first + count * size, size):
        tag, kind, number, where = layout.entry.unpack_from(content, at)
        if (tag not in _KEPT and tag != _ORIENTATION) or tag in entries or kind not in _SIZES:
            continue
        if _end(layout, kind, number, where) > len(content):
            continue
        entries[tag] = kind, number, where
        values[tag] = _values(content, layout, kind, number, where)
    if sum(_SIZES[kind] * number for kind, number, _ in entries.values()) > len(content):
        raise damaged("its directory says more than the file holds")
    last = first + count * size
    following = content[last : last + struct.calcsize("=" + layout.offset)].strip(b"\0")
    cleaned = _rewritten(entries, values, layout)
    turn = entries.pop(_ORIENTATION, None) and values[_ORIENTATION]
    directory = struct.pack(layout.count, len(entries)) + b"".join(
        layout.entry.pack(tag, *entry) for tag, entry in sorted(entries.items())
    )
    directory += struct.pack(layout.order + layout.offset, 0)
    end = len(content) + len(content) % 2
    head = content[: layout.start] + struct.pack(layout.order + layout.offset, end)
    return Cleaned(
        b"".join((head, memoryview(content)[len(head) :], bytes(end - len(content)), directory)),
        orientation=turn[0] if turn and 1 <= turn[0] <= 8 else 1,
        notes=(SEVERAL,) if following else (),
        **cleaned,
    )


def swap_once(image: ImageFile.ImageFile) -> None:
    """Keeps Pillow from swapping compressed samples, which libtiff hands over in the machine's order."""
    image.tile = [
        tile._replace(args=(_IN_NATIVE_ORDER.get(tile.args[0], tile.args[0]), *tile.args[1:]))
        if tile.codec_name == "libtiff" and tile.args
        else tile
        for tile in image.tile
    ]


def _end(layout: _Layout, kind: int, number: int, where: bytes) -> int:
    """Where the values of an entry end in the file; 0 for values within the entry."""
    length = _SIZES[kind] * number
    return 0 if length <= len(where) else struct.unpack(layout.order + layout.offset, where)[0] + length


def _values(content: bytes, layout: _Layout, kind: int, number: int, where: bytes) -> tuple[int, ...]:
    """The whole numbers of an entry; none where they are many or of another kind."""
    if kind not in _WHOLE_NUMBERS or number > _MAX_VALUES:
        return ()
    end = _end(layout, kind, number, where)
    data, start = (content, end - _SIZES[kind] * number) if end else (where, 0)
    return struct.unpack_from(f"{layout.order}{number}{_WHOLE_NUMBERS[kind]}", data, start)


def _rewritten(
    entries: dict[int, tuple[int, int, bytes]], values: dict[int, tuple[int, ...]], layout: _Layout
) -> dict[str, Any]:
    """Says what Pillow cannot know of these samples, and makes the entries such that it reads them."""

    def value(tag: int, otherwise: int) -> int:
        return values[tag][0] if values.get(tag) else otherwise

    def put(tag: int, number: int) -> None:
        entries[tag] = 4, 1, struct.pack(layout.order + "I", number).ljust(8 if layout.big else 4, b"\0")

    width, height = value(_WIDTH, 0), value(_HEIGHT, 0)
    check_size(width, height)
    if _TILE_WIDTH in entries:
        check_size(value(_TILE_WIDTH, 1), value(_TILE_HEIGHT, 1))
    bits, kind, photometric = values.get(_BITS) or (1,), value(_FORMAT, _UNSIGNED), value(_PHOTOMETRIC, 0)
    if max(bits) > _MAX_BITS:
        raise damaged("its samples have too many bits")
    found: dict[str, Any] = {"size": (width, height)}
    if len(bits) == 1 and bits[0] > 8 and photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        put(_PHOTOMETRIC, _BLACK_IS_ZERO)
        found["inverted"] = photometric == _WHITE_IS_ZERO
    if kind != _FLOAT and len(set(bits)) == 1 and bits[0] > 8:
        found["top"] = (1 << bits[0] - (kind == _SIGNED)) - 1
        if kind == _UNSIGNED and bits[0] == 32:
            kind = _SIGNED  # Pillow reads these alone in either byte order
            put(_FORMAT, kind)
    plain = value(_PLANAR, 1) == 1 and value(_PREDICTOR, 1) == 1
    if photometric == _RGB and bits == (32, 32, 32) and value(_SAMPLES, 0) == 3 and plain:
        found["channels"] = 3
        wide = {_WIDTH: 3 * width, _BITS: 32, _PHOTOMETRIC: _BLACK_IS_ZERO, _SAMPLES: 1, _FORMAT: kind}
        for tag, number in wide.items():
            put(tag, number)
        if _TILE_WIDTH in entries:
            put(_TILE_WIDTH, 3 * value(_TILE_WIDTH, 1))
    return found
