"""Small picture files of every format and ways to damage them; decompression bombs."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_BOMBS_EVERY = 50
"""So often a file is a bomb: each as it is at first, damaged later."""
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


class Corpus:
    """Numbered damaged files, which follow from a seed and their numbers alone."""

    def __init__(self, seed: int):
        self.seed = seed
        self.sound = seeds()
        self._bombs = bombs()

    def format(self, index: int) -> str:
        """What the file was before it was damaged, as Pillow calls it."""
        return self._choice(index)[0]

    def content(self, index: int) -> bytes:
        """The whole file."""
        _, content, rng = self._choice(index)
        if index % _BOMBS_EVERY:
            return mutate(content, self.sound[rng.integers(len(self.sound))][1], rng)
        first = index // _BOMBS_EVERY < len(self._bombs)
        return content if first else mutate(content, self.sound[0][1], rng)

    def _choice(self, index: int) -> tuple[str, bytes, np.random.Generator]:
        rng = np.random.default_rng([self.seed, index])
        if index % _BOMBS_EVERY == 0:
            return *self._bombs[index // _BOMBS_EVERY % len(self._bombs)], rng
        return *self.sound[rng.integers(len(self.sound))], rng


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """Format and content of sound files, each of at most a few kilobytes."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 4), dtype=np.uint8)
    rgba = Image.fromarray(noise)
    rgb, grey, palette = rgba.convert("RGB"), rgba.convert("L"), rgba.convert("RGB").quantize(32)
    deep, real = (
        Image.fromarray(noise[..., 0].astype(np.uint16) * 257),
        Image.fromarray(noise[..., 0] / np.float32(255)),
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = {
        "icc_profile": _undated(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), 24, 12),
        "exif": exif.tobytes(),
    }
    animated = {"save_all": True, "append_images": [rgb.rotate(180)]}
    made: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("JPEG", rgb, profile),
        ("JPEG", rgb, {"progressive": True}),
        ("JPEG", rgb.convert("CMYK"), {}),
        ("JPEG", grey, {"exif": exif.tobytes()}),
        ("MPO", rgb, animated),
        ("PNG", rgb, profile),
        ("PNG", rgba, profile),
        ("PNG", palette, {"transparency": 3}),
        ("PNG", deep, {}),
        ("PNG", grey.convert("1"), {}),
        ("PNG", rgb, animated),
        ("WEBP", rgb, profile),
        ("WEBP", rgba, {"lossless": True}),
        ("WEBP", rgb, animated),
        ("AVIF", rgba, profile),
        ("AVIF", rgb, {"exif": exif.tobytes()}),
        ("AVIF", rgb, animated),
        ("HEIF", rgb, profile),
        ("HEIF", rgba, {"exif": exif.tobytes()}),
        ("JXL", rgb, {"exif": exif.tobytes(), "use_container": True}),
        ("JXL", rgba, {"lossless": True}),
        ("JXL", deep, {"lossless": True}),
        ("GIF", palette, {"transparency": 3}),
        ("GIF", rgb, animated),
        ("TIFF", rgb, profile),
        ("TIFF", rgb, {"compression": "tiff_lzw"}),
        ("TIFF", grey, {"compression": "tiff_deflate"}),
        ("TIFF", grey.convert("1"), {"compression": "group4"}),
        ("TIFF", rgb, {"compression": "jpeg"}),
        ("TIFF", deep, {}),
        ("TIFF", real, {}),
        ("TIFF", rgb, {"big_tiff": True}),
        ("BMP", rgb, {}),
        ("PPM", rgb, {}),
        ("PPM", deep, {}),
    ]
    return tuple((name, _encoded(image, name, **options)) for name, image, options in made)


@cache
def bombs() -> tuple[tuple[str, bytes], ...]:
    """Files of a few kilobytes to megabytes that say, or would become, very much more."""
    wide, square = Image.new("L", (65_535, 1)), Image.new("L", (4_800, 4_800))
    moving = _encoded(wide.crop((0, 0, 8, 1)), "WEBP", save_all=True, append_images=[Image.new("L", (8, 1), 9)])
    bitmap = _encoded(Image.new("L", (8, 8)), "BMP")
    text = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10_000_000)))
    profile = _chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000)))
    progressive = _encoded(Image.new("L", (4_000, 4_000)), "JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    tags = b"".join(struct.pack("<HHII", 700 + number, 7, 1_000_000, 8) for number in range(60_000))
    return (
        ("PNG", _png(60_000, 60_000, b"")),
        ("PNG", _png(4_800, 4_800, zlib.compress(bytes(4_800 * 4_801)))),
        ("PNG", _png(8, 8, zlib.compress(bytes(100_000_000)))),
        ("PNG", _png(8, 8, zlib.compress(bytes(72)), text * 100)),
        ("PNG", _png(8, 8, zlib.compress(bytes(72)), profile)),
        ("PNG", _png(8, 8, zlib.compress(bytes(72)), _chunk(b"tEXt", b"a\0b") * 100_000)),
        ("PNG", _encoded(wide, "PNG")),
        ("JPEG", _encoded(Image.new("L", (65_500, 1)), "JPEG")),
        ("JPEG", progressive[:-2] + scan * 3_000 + b"\xff\xd9"),
        ("GIF", _encoded(square, "GIF")),
        ("GIF", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + _encoded(Image.new("L", (8, 8)), "GIF")[10:]),
        ("WEBP", moving[:24] + b"\xff\x3e\0\xff\x3e\0" + moving[30:]),
        ("JXL", b"\xff\x0a" + (60_000 << 3 | 0b110).to_bytes(5, "little") + bytes(99)),
        ("TIFF", _encoded(square, "TIFF", compression="tiff_deflate")),
        ("TIFF", b"II*\0" + struct.pack("<I", 1_000_008) + bytes(1_000_000) + struct.pack("<H", 60_000) + tags),
        ("TIFF", b"II+\0" + struct.pack("<HHQQHHQQQ", 8, 0, 16, 1, 258, 16, 1, 2**35, 0)),
        ("PPM", b"P6 65535 65535 255\n" + bytes(99)),
        ("PPM", b"P5" + b" " * 20_000_000),
        ("BMP", bitmap[:18] + struct.pack("<ii", 2**31 - 1, 2**30) + bitmap[26:]),
    )


def mutate(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """One to three kinds of damage; the checksums of a PNG's chunks are made right again half of the time."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        damage = _DAMAGES[rng.integers(len(_DAMAGES))]
        data = damage(data, other, rng) or bytearray(b"\0")
    if data.startswith(_PNG_HEAD) and rng.random() < 0.5:
        data = _with_right_sums(data)
    return bytes(data)


def _flip(data: bytearray, _: bytes, rng: np.random.Generator) -> bytearray:
    for bit in rng.integers(0, 8 * len(data), rng.integers(1, 9)):
        data[bit // 8] ^= 1 << bit % 8
    return data


def _cut(data: bytearray, _: bytes, rng: np.random.Generator) -> bytearray:
    return data[: rng.integers(0, len(data) + 1)]


def _extend(data: bytearray, other: bytes, rng: np.random.Generator) -> bytearray:
    return data + (other if rng.random() < 0.5 else rng.bytes(rng.integers(1, 999)))


def _splice(data: bytearray, other: bytes, rng: np.random.Generator) -> bytearray:
    return data[: rng.integers(0, len(data) + 1)] + other[rng.integers(0, len(other)) :]


def _repeat(data: bytearray, _: bytes, rng: np.random.Generator) -> bytearray:
    start, length = rng.integers(0, len(data)), rng.integers(1, 64)
    return data[: start + length] + data[start : start + length] * int(rng.integers(1, 9)) + data[start + length :]


def _drop(data: bytearray, _: bytes, rng: np.random.Generator) -> bytearray:
    start = rng.integers(0, len(data))
    return data[:start] + data[start + rng.integers(1, 64) :]


def _randomise(data: bytearray, _: bytes, rng: np.random.Generator) -> bytearray:
    start, length = rng.integers(0, len(data)), rng.integers(1, 64)
    return data[:start] + rng.bytes(length) + data[start + length :]


def _set_extreme(data: bytearray, _: bytes, rng: np.random.Generator) -> bytearray:
    """Numbers at their extremes, mostly in the header."""
    size = int(2 ** rng.integers(0, 3))
    start = rng.integers(0, max(1, min(len(data), 200 if rng.random() < 0.7 else len(data)) - size))
    value = _EXTREMES[rng.integers(len(_EXTREMES))] % 256**size
    data[start : start + size] = value.to_bytes(size, "big" if rng.random() < 0.5 else "little")
    return data


_DAMAGES: tuple[Callable[[bytearray, bytes, np.random.Generator], bytearray], ...] = (
    _flip, _flip, _cut, _extend, _splice, _repeat, _drop, _randomise, _set_extreme, _set_extreme,
)  # fmt: skip


def _encoded(image: Image.Image, name: str, **options: object) -> bytes:
    """A whole file, the same whenever it is made."""
    buffer = io.BytesIO()
    image.save(buffer, format=name, **options)
    content = buffer.getvalue()
    for box in (b"mvhd", b"tkhd", b"mdhd") if name == "AVIF" else ():
        if box in content:
            content = _undated(content, content.index(box) + 8, 16)
    return content


def _undated(content: bytes, start: int, size: int) -> bytes:
    """Zeros in place of the date at ``start``."""
    return content[:start] + bytes(size) + content[start + size :]


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(width: int, height: int, pixels: bytes, before: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return _PNG_HEAD + header + before + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _with_right_sums(data: bytearray) -> bytearray:
    position = len(_PNG_HEAD)
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[position + 4 : end]))
        position = end + 4
    return data
