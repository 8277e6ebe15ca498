"""Builds small picture files of every kind that people have, sound and broken, with what each must become."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.pictures.cleaned import ENDS_EARLY, GAIN_MAP, SEVERAL
from pipeline.pictures.png import ANIMATED

SIZE = (22, 20)
WARM = (200, 60, 40)
WHITE = (255, 255, 255)
_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
_ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
"""XYZ of red, green and blue under D50."""


_EXACT = {
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "JXL": {"lossless": True},
    "JPEG": {"quality": 100, "subsampling": 0},
}
"""Options that keep flat colours within a level."""


@dataclass(frozen=True)
class Case:
    """A file and what comes of it."""

    name: str
    content: bytes
    colour: tuple[int, int, int] | None = None
    """Median of the picture within two levels; None for one `ImageError`."""
    notes: tuple[str, ...] = ()


def encoded(image: Image.Image, name: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=name, **options)
    return buffer.getvalue()


def plain(mode: str = "RGB", colour: object = WARM) -> Image.Image:
    return Image.new(mode, SIZE, colour)


# -- colour spaces ---------------------------------------------------------------------------------------------------


def to_linear(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def shown(light: np.ndarray, columns: tuple = _SRGB) -> tuple[int, int, int]:
    """sRGB of linear light in a space of these XYZ columns."""
    linear = np.clip(np.linalg.solve(np.array(_SRGB).T, np.array(columns).T @ np.asarray(light, float)), 0, 1)
    values = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(round(255 * float(value)) for value in values)


def unit(colour: tuple[int, ...]) -> np.ndarray:
    return np.array(colour) / 255


def _icc(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", inner: bytes = b"XYZ ") -> bytes:
    white = struct.pack(">3i", 63190, 65536, 54061)
    text = b"text\0\0\0\0-\0"
    tags = {
        b"desc": b"desc\0\0\0\0\0\0\0\x02-\0".ljust(92, b"\0"),
        b"cprt": text,
        b"wtpt": b"XYZ \0\0\0\0" + white,
    } | tags
    offset, directory, bodies = 132 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        directory += struct.pack(">4sII", name, offset + len(bodies), len(body))
        bodies += body.ljust(-(-len(body) // 4) * 4, b"\0")
    names = (kind, space, inner, b"", b"acsp", b"")
    header = struct.pack(">I4sI4s4s4s12s4s28s12s", offset + len(bodies), b"", 0x02400000, *names, white)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + bodies


def _gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * exponent))


def rgb_profile(columns: tuple, exponent: float = 2.2) -> bytes:
    points = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in column))
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
    }
    return _icc(b"RGB ", points | {name: _gamma(exponent) for name in (b"rTRC", b"gTRC", b"bTRC")})


def grey_profile(exponent: float) -> bytes:
    return _icc(b"GRAY", {b"kTRC": _gamma(exponent)})


def ink_profile() -> bytes:
    """CMYK where every mixture of colours is a mid grey (L* = 50), and black ink is black."""
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = (
        b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + bytes([128, 128, 128, 0, 128, 128]) * 8 + ramp * 3
    )
    return _icc(b"CMYK", {b"A2B0": table}, b"prtr", b"Lab ")


# -- containers ------------------------------------------------------------------------------------------------------


def chunk(name: bytes, body: bytes, good: bool = True) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) ^ (not good))


def png(kind: int, depth: int, row: bytes, *before: bytes, after: bytes = b"", end: bool = True) -> bytes:
    """A PNG of equal rows with further chunks before and after its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, depth, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * SIZE[1]))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + pixels + after + (chunk(b"IEND", b"") if end else b"")


def warm_png(*before: bytes, after: bytes = b"") -> bytes:
    return png(2, 8, bytes(WARM) * SIZE[0], *before, after=after)


def _cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def _gama(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 * value)))


def _chrm(*corners: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * value) for value in corners)))


def gif_on_canvas(frame: Image.Image, canvas: tuple[int, int], at: tuple[int, int]) -> bytes:
    """A GIF whose only frame lies at ``at`` on a larger canvas."""
    made = encoded(frame, "GIF")
    placed = made.replace(b"," + struct.pack("<4H", 0, 0, *frame.size), b"," + struct.pack("<4H", *at, *frame.size))
    return placed[:6] + struct.pack("<2H", *canvas) + placed[10:]


def segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def with_segment(jpeg: bytes, code: int, body: bytes) -> bytes:
    return jpeg[:2] + segment(code, body) + jpeg[2:]


def exif(orientation: int, *others: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    """EXIF with an orientation and further entries (tag, type, count, four bytes)."""
    entries = [(0x0112, 3, 1, struct.pack(order + "H2x", orientation)), *others]
    packed = b"".join(struct.pack(order + "HHI4s", *entry) for entry in sorted(entries))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", len(entries)) + packed + bytes(4)


def tiff(
    samples: np.ndarray, photometric: int, kind: int, order: str = "<", deflated: bool = False, **tags: tuple[int, ...]
) -> bytes:
    """A TIFF of ``(height, width[, channels])`` samples; kind 1 unsigned, 2 signed, 3 real.

    The pixels follow the directory at once; a tag of no values is left out.
    """
    height, width, channels = (*samples.shape, 1)[:3]
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if deflated else data
    values = {
        256: (width,), 257: (height,), 258: (8 * samples.dtype.itemsize,) * channels,
        259: (8 if deflated else 1,), 262: (photometric,), 273: (0,), 277: (channels,), 278: (height,),
        279: (len(data),), 339: (kind,) * channels,
    }  # fmt: skip
    values |= {int(name.removeprefix("t")): value for name, value in tags.items()}
    values = {tag: value for tag, value in values.items() if value}
    extra_at = 8 + 2 + 12 * len(values) + 4
    extra = b"".join(struct.pack(f"{order}{len(v)}I", *v) for v in values.values() if len(v) > 1)
    values[273] = (extra_at + len(extra),)
    entries, at = b"", extra_at
    for tag, value in sorted(values.items()):
        where = struct.pack(order + "I", value[0] if len(value) == 1 else at)
        entries += struct.pack(order + "HHI4s", tag, 4, len(value), where)
        at += 4 * len(value) if len(value) > 1 else 0
    extra = b"".join(struct.pack(f"{order}{len(v)}I", *v) for _, v in sorted(values.items()) if len(v) > 1)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", len(values)) + entries + bytes(4) + extra + data


def flat(value: float, kind: str, channels: int = 1) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], channels) if channels > 1 else (SIZE[1], SIZE[0]), value, kind)


# -- the table -------------------------------------------------------------------------------------------------------


def cases() -> Iterator[Case]:
    for family in (_profiles, _png_spaces, _deep, _transparent, _inks, _junk, _cut, _firsts, _broken):
        yield from family()


def _profiles() -> Iterator[Case]:
    p3, adobe = rgb_profile(_P3), rgb_profile(_ADOBE, 563 / 256)
    warm_p3, warm_adobe = shown(unit(WARM) ** 2.2, _P3), shown(unit(WARM) ** (563 / 256), _ADOBE)
    half = tuple(round((value + 255) / 2) for value in warm_p3)
    for name in ("PNG", "TIFF", "WEBP", "AVIF", "JPEG"):
        yield Case(f"P3 {name}", encoded(plain(), name, icc_profile=p3, **_EXACT.get(name, {})), warm_p3)
        yield Case(f"Adobe RGB {name}", encoded(plain(), name, icc_profile=adobe, **_EXACT.get(name, {})), warm_adobe)
    for name in ("PNG", "TIFF", "WEBP"):
        options = _EXACT.get(name, {}) | {"icc_profile": p3}
        yield Case(f"P3 opaque {name}", encoded(plain("RGBA", (*WARM, 255)), name, **options), warm_p3)
        yield Case(f"P3 half {name}", encoded(plain("RGBA", (*WARM, 128)), name, **options), half)
    palette = plain("P", 1)
    palette.putpalette([9, 9, 9, *WARM])
    yield Case("P3 palette", encoded(palette, icc_profile=p3), warm_p3)
    yield Case("P3 palette with a transparent entry", encoded(palette, icc_profile=p3, transparency=0), warm_p3)
    yield Case("P3 palette of alphas", encoded(palette, icc_profile=p3, transparency=b"\x09\x80"), half)
    yield Case("P3 with a colour key", encoded(plain(), icc_profile=p3, transparency=(1, 2, 3)), warm_p3)
    yield Case("P3 16-bit", png(2, 16, bytes(v for c in WARM for v in (c, c)) * SIZE[0], _iccp(p3)), warm_p3)
    yield Case(
        "RGB profile on grey", encoded(plain("L", 133), icc_profile=adobe), shown([(133 / 255) ** (563 / 256)] * 3)
    )
    yield Case("grey profile on colour is ignored", encoded(plain(), icc_profile=grey_profile(1)), WARM)
    yield Case("broken profile is ignored", encoded(plain(), icc_profile=p3[:200]), WARM)
    for exponent in (1.0, 2.2):
        tone, profile = shown([(133 / 255) ** exponent] * 3), grey_profile(exponent)
        for mode, colour in (("L", 133), ("LA", (133, 255))):
            yield Case(f"grey {exponent} {mode}", encoded(plain(mode, colour), icc_profile=profile), tone)
        yield Case(f"grey {exponent} JPEG", encoded(plain("L", 133), "JPEG", icc_profile=profile), tone)
        yield Case(f"grey {exponent} TIFF", encoded(plain("L", 133), "TIFF", icc_profile=profile), tone)
        yield Case(f"grey {exponent} 16-bit", png(0, 16, bytes([133, 133]) * SIZE[0], _iccp(profile)), tone)
        row = bytes([133, 133, 255, 255]) * SIZE[0]
        yield Case(f"grey {exponent} 16-bit with alpha", png(4, 16, row, _iccp(profile)), tone)
        yield Case(
            f"grey {exponent} key", png(0, 8, bytes([133]) * SIZE[0], _iccp(profile), chunk(b"tRNS", b"\0\1")), tone
        )


def _iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"made\0\0" + zlib.compress(profile))


def _png_spaces() -> Iterator[Case]:
    d65, p3 = (0.3127, 0.3290), (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    srgb = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
    warm = unit(WARM)
    video = np.where(warm < 0.081, warm / 4.5, ((warm + 0.099) / 1.099) ** (1 / 0.45))
    wide = ((0.673492, 0.279055, -0.001939), (0.165665, 0.675339, 0.029978), (0.125060, 0.045604, 0.796871))
    yield Case("gAMA and cHRM of P3", warm_png(_gama(0.45455), _chrm(*d65, *p3)), shown(warm**2.2, _P3))
    yield Case("gAMA and cHRM of sRGB", warm_png(_gama(1), _chrm(*d65, *srgb)), shown(warm))
    yield Case("cHRM alone", warm_png(_chrm(*d65, *p3)), shown(to_linear(warm), _P3))
    yield Case("gAMA of most screens", warm_png(_gama(0.45455)), WARM)
    lit = tuple(round(255 * v ** (1 / 2.2)) for v in warm)
    yield Case("gAMA of light", warm_png(_gama(1)), lit)
    grey = png(0, 8, bytes([60]) * SIZE[0], _gama(1))
    yield Case("gAMA of light, grey", grey, (round(255 * (60 / 255) ** (1 / 2.2)),) * 3)
    yield Case("gAMA of zero", warm_png(_gama(0)), WARM)
    yield Case("cHRM of no colours", warm_png(_gama(0.45455), _chrm(*d65, *(0.3, 0.3) * 3)), WARM)
    yield Case("cHRM of zeros", warm_png(_gama(0.45455), _chrm(*(0,) * 8)), WARM)
    yield Case("sRGB before gAMA", warm_png(chunk(b"sRGB", b"\0"), _gama(1)), WARM)
    yield Case("cICP of P3", warm_png(_cicp(12, 13)), shown(to_linear(warm), _P3))
    yield Case("cICP of sRGB", warm_png(_cicp(1, 13)), WARM)
    yield Case("cICP of light", warm_png(_cicp(1, 8)), shown(warm))
    yield Case("cICP of BT.709", warm_png(_cicp(1, 1)), shown(video))
    yield Case("cICP of BT.2020", warm_png(_cicp(9, 14)), shown(video, wide))
    yield Case("cICP of gamma 2.2", warm_png(_cicp(1, 4)), shown(warm**2.2))
    pq = png(2, 8, bytes([148] * 3) * SIZE[0], _cicp(9, 16))
    yield Case("cICP of PQ, paper white", pq, WHITE)
    yield Case("cICP of HLG, paper white", png(2, 8, bytes([192] * 3) * SIZE[0], _cicp(9, 18)), WHITE)
    yield Case("cICP over iCCP", warm_png(_cicp(12, 13), _iccp(grey_profile(1))), shown(to_linear(warm), _P3))
    for name, profile in (("junk", b"junk" * 40), ("cut", rgb_profile(_P3)[:200]), ("grey", grey_profile(1))):
        yield Case(f"gAMA beside a {name} profile", warm_png(_iccp(profile), _gama(1)), lit)
    p3_profile = _iccp(rgb_profile(_P3))
    yield Case("cICP of sRGB over iCCP", warm_png(_cicp(1, 13), p3_profile), WARM)
    yield Case("cICP of sRGB over iCCP and gAMA", warm_png(_cicp(1, 13), p3_profile, _gama(1)), WARM)
    yield Case("cICP of unknown numbers", warm_png(_cicp(2, 2)), WARM)
    yield Case("cICP of unknown numbers below iCCP", warm_png(_cicp(2, 2), p3_profile), shown(warm**2.2, _P3))
    yield Case("cICP of video levels", warm_png(chunk(b"cICP", b"\x0c\x0d\0\0")), WARM)
    nclx = encoded(plain(), "AVIF", quality=100, subsampling="4:4:4")
    at = nclx.index(b"colrnclx") + 8
    said = nclx[:at] + struct.pack(">HH", 12, 13) + nclx[at + 4 :]
    yield Case("AVIF that says P3 in numbers", said, shown(to_linear(warm), _P3))
    yield Case("AVIF that says BT.709", nclx[:at] + struct.pack(">HH", 1, 1) + nclx[at + 4 :], WARM)


def _deep() -> Iterator[Case]:
    yield Case("16-bit grey", png(0, 16, struct.pack(">H", 40_000) * SIZE[0]), (156,) * 3)
    row = struct.pack(">3H", *(257 * value for value in WARM)) * SIZE[0]
    yield Case("16-bit colour", png(2, 16, row), WARM)
    for order in "<>":
        yield Case(f"16-bit TIFF {order}", tiff(flat(40_000, "u2"), 1, 1, order), (156,) * 3)
        yield Case(f"16-bit TIFF, white is zero {order}", tiff(flat(15_420, "u2"), 0, 1, order), (195,) * 3)
        yield Case(f"real TIFF {order}", tiff(flat(0.5, "f4"), 1, 3, order), (128,) * 3)
        colour = flat(1, "u2", 3) * (257 * np.array(WARM, "u2"))
        yield Case(f"16-bit colour TIFF {order}", tiff(colour, 2, 1, order), WARM)
        for deflated in (False, True):
            yield from _deep_tiffs(order, deflated)
        predicted = np.zeros((SIZE[1], 4 * SIZE[0]), "u1")  # the four bytes of 0.5 in planes, as differences
        predicted[:, 0], predicted[:, SIZE[0]] = 0x3F, 0x100 - 0x3F
        made = tiff(predicted, 1, 3, order, True, t256=SIZE[:1], t258=(32,), t317=(3,))
        yield Case(f"real TIFF {order} with a predictor", made, (128,) * 3)
    yield Case("BigTIFF", encoded(plain(), "TIFF", big_tiff=True), WARM)
    yield Case("8-bit TIFF, white is zero", tiff(flat(60, "u1"), 0, 1), (195,) * 3)
    yield Case("real TIFF, white is zero", tiff(flat(0.25, "f4"), 0, 3), (191,) * 3)
    yield Case("signed 16-bit TIFF", tiff(flat(16_384, "i2"), 1, 2), (128,) * 3)
    yield Case("unsigned 32-bit TIFF", tiff(flat(3_000_000_000, "u4"), 1, 1), (178,) * 3)
    yield Case("signed 32-bit TIFF", tiff(flat(1_500_000_000, "i4"), 1, 2), (178,) * 3)
    yield Case("32-bit TIFF of 16-bit tones", tiff(flat(40_000, "i4"), 1, 2), (156,) * 3)
    for name, odd in (("infinity", np.inf), ("minus infinity", -np.inf), ("no number", np.nan), ("huge", 1e38)):
        values = flat(0.5, "f4")
        values[3, 4] = odd
        yield Case(f"real TIFF with {name}", tiff(values, 1, 3), (128,) * 3)
    yield Case("real TIFF below zero", tiff(flat(-0.5, "f4"), 1, 3), (0, 0, 0))
    yield Case("real TIFF of no numbers", tiff(flat(np.nan, "f4"), 1, 3), (0, 0, 0))
    yield Case("real colour TIFF", tiff(flat(1, "f4", 3) * unit(WARM).astype("f4"), 2, 3), WARM)
    yield Case("PPM in words", b"P3 # made\n%d %d # here\n255\n" % SIZE + b"200 60\n40 " * (SIZE[0] * SIZE[1]), WARM)
    pixels, words = bytes(WARM) * (SIZE[0] * SIZE[1]), b"200 60 40\n" * (SIZE[0] * SIZE[1])
    yield Case("PPM with a comment at its kind", b"P6#x\n%d %d\n255\n" % SIZE + pixels, WARM)
    yield Case("PPM with a comment at its width", b"P6\n%d#x\n%d\n255\n" % SIZE + pixels, WARM)
    yield Case("PPM in words with comments", b"P3#x\n%d#y\n%d\n255#z\n" % SIZE + words, WARM)
    yield Case("PPM in words before junk", b"P3 %d %d 255\n" % SIZE + words + b"junk", WARM)
    yield Case("PGM in words", b"P2\n%d %d 1000\n" % SIZE + b"500\n" * (SIZE[0] * SIZE[1]), (128,) * 3)
    yield Case("PBM in words", b"P1\n%d %d\n" % SIZE + b"01" * (SIZE[0] * SIZE[1] // 2), (128,) * 3)
    yield Case("1-bit", encoded(Image.new("1", SIZE, 1)), WHITE)
    yield Case("1-bit TIFF", encoded(Image.new("1", SIZE, 1), "TIFF"), WHITE)
    yield Case("16-bit PGM", b"P5 %d %d 65535\n" % SIZE + struct.pack(">H", 40_000) * (SIZE[0] * SIZE[1]), (156,) * 3)
    yield Case("PFM", b"Pf\n%d %d\n-1.0\n" % SIZE + struct.pack("<f", 0.5) * (SIZE[0] * SIZE[1]), (128,) * 3)
    row = struct.pack("<3f", *unit(WARM)) * SIZE[0]
    yield Case("colour PFM", b"PF\n%d %d\n-1.0\n" % SIZE + row * SIZE[1], WARM)
    yield Case(
        "JPEG XL 16-bit",
        encoded(Image.fromarray(flat(40_000, "u2")), "JXL", lossless=True),
        shown([40_000 / 65_535] * 3),
    )


def _deep_tiffs(order: str, deflated: bool) -> Iterator[Case]:
    name = f"TIFF {order}{' deflated' if deflated else ''}"
    for kind, sort, value, tone in (
        (2, "i2", 20_000, 156),
        (1, "u4", 3_000_000_000, 178),
        (2, "i4", 1_500_000_000, 178),
        (3, "f4", 0.5, 128),
    ):
        for photometric, shade in ((1, tone), (0, 255 - tone)):
            made = tiff(flat(value, sort), photometric, kind, order, deflated)
            yield Case(f"{sort} {name} of photometric {photometric}", made, (shade,) * 3)
    for kind, sort, white in ((1, "u4", 2**32 - 1), (3, "f4", 1)):
        colour = (flat(white, "f8", 3) * unit(WARM)).astype(sort)
        yield Case(f"{sort} colour {name}", tiff(colour, 2, kind, order, deflated), WARM)
    made = tiff((flat(2**32 - 1, "f8", 3) * unit(WARM)).astype("u4"), 2, 1, order, deflated, t339=())
    yield Case(f"u4 colour {name} without the kind of its samples", made, WARM)
    made = tiff(flat(15_420, "u2"), 0, 1, order, deflated, t262=(), t277=(), t339=())
    yield Case(f"u2 {name} of three tags less", made, (195,) * 3)


def _transparent() -> Iterator[Case]:
    def key(*values: int) -> bytes:
        return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))

    grey, colour = struct.pack(">H", 49_151) * SIZE[0], struct.pack(">3H", 51_201, 15_360, 10_240) * SIZE[0]
    yield Case("16-bit grey with its key", png(0, 16, grey, key(49_151)), WHITE)
    yield Case("16-bit grey with a key near by", png(0, 16, grey, key(49_150)), (191,) * 3)
    yield Case("16-bit colour with its key", png(2, 16, colour, key(51_201, 15_360, 10_240)), WHITE)
    yield Case("16-bit colour with a key near by", png(2, 16, colour, key(51_200, 15_360, 10_240)), WARM)
    yield Case("colour with its key", png(2, 8, bytes(WARM) * SIZE[0], key(*WARM)), WHITE)
    yield Case("8-bit grey with its key", png(0, 8, b"\x85" * SIZE[0], key(133)), WHITE)
    yield Case("4-bit grey with its key", png(0, 4, b"\x55" * (SIZE[0] // 2), key(5)), WHITE)
    yield Case("4-bit grey with another key", png(0, 4, b"\x55" * (SIZE[0] // 2), key(4)), (85,) * 3)
    yield Case("1-bit with its key", png(0, 1, bytes(-(-SIZE[0] // 8)), key(0)), WHITE)
    yield Case("key of a wrong length", png(2, 8, bytes(WARM) * SIZE[0], chunk(b"tRNS", b"\0")), WARM)
    for count, colour in ((2, WHITE), (3, WARM), (300, WARM)):
        palette = chunk(b"PLTE", bytes((9, 9, 9, *WARM)))
        made = png(3, 8, b"\1" * SIZE[0], palette, chunk(b"tRNS", bytes(count)))
        yield Case(f"two colours and {count} alphas", made, colour)
    yield Case("clear", encoded(plain("RGBA", (*WARM, 0))), WHITE)
    yield Case("clear grey", encoded(plain("LA", (60, 0))), WHITE)
    yield Case("clear GIF", encoded(plain("P", 0), "GIF", transparency=0), WHITE)
    yield Case("GIF of a small frame", gif_on_canvas(plain(), (50, 40), (28, 20)), WHITE)
    yield Case("GIF of a frame nearly as large as it", gif_on_canvas(plain(), (24, 22), (2, 2)), WARM)
    for name in ("WEBP", "AVIF", "HEIF", "JXL"):
        yield Case(f"clear {name}", encoded(plain("RGBA", (*WARM, 0)), name), WHITE)


def _inks() -> Iterator[Case]:
    inks, naive = plain("CMYK", (0, 179, 204, 0)), (255, 76, 51)
    yield Case("CMYK JPEG", encoded(inks, "JPEG", quality=100, subsampling=0), naive)
    yield Case("CMYK TIFF", encoded(inks, "TIFF"), naive)
    for name in ("JPEG", "TIFF"):
        yield Case(f"CMYK {name} with a profile", encoded(inks, name, icc_profile=ink_profile()), (119,) * 3)
    yield Case("CMYK with the profile of a screen", encoded(inks, "TIFF", icc_profile=rgb_profile(_P3)), naive)
    lab = np.stack([flat(128, "u1"), flat(0, "u1"), flat(0, "u1")], -1)
    yield Case("Lab TIFF", tiff(lab, 8, 1), (119,) * 3)
    yield Case("YCbCr JPEG", encoded(plain("YCbCr", (128, 128, 128)), "JPEG"), (128,) * 3)


def _junk() -> Iterator[Case]:
    text, p3 = b"prompt\0", rgb_profile(_P3)
    big = zlib.compress(bytes(3_000_000))
    for name, body in (
        ("zTXt", text + b"\0" + big),
        ("iTXt", text + b"\1\0\0\0" + big),
        ("tEXt", text + bytes(2_000_000)),
        ("eXIf", b"junk"),
        ("eXIf", b""),
        ("tEXt", b"Raw profile type exif\0\nexif\n  20\nzzzz\n"),
        ("pHYs", b"\0"),
        ("sBIT", b""),
        ("tIME", b"now"),
        ("gAMA", b"\0"),
        ("cHRM", b"\0\0\0\1"),
        ("cICP", b"\1"),
        ("sRGB", b""),
        ("acTL", b"\0"),
        ("fcTL", b"\0"),
        ("iCCP", b"made"),
        ("iCCP", b"made\0\0junk"),
        ("iCCP", b"made\0\7" + zlib.compress(bytes(99))),
        ("iCCP", b"made\0\0" + zlib.compress(bytes(20_000_000))),
        ("abCd", b"private"),
    ):
        notes = (ANIMATED,) if name == "acTL" else ()
        made = chunk(name.encode(), body)
        yield Case(f"{name} {body[:12]!r} before", warm_png(made), WARM, notes)
        yield Case(f"{name} {body[:12]!r} after", warm_png(after=made), WARM)
        yield Case(f"{name} {body[:12]!r} wrong sum", warm_png(chunk(name.encode(), body, False)), WARM)
    padded = struct.pack(">I", 2_000_000 + len(p3)) + p3[4:] + bytes(2_000_000)
    yield Case("profile of 2 MB", warm_png(_iccp(padded)), shown(unit(WARM) ** 2.2, _P3))
    yield Case("data after the end", warm_png() + bytes(999), WARM)
    exifs = {
        "junk": b"junk", "empty": b"", "cut": exif(6)[:12], "text type": exif(1, (0x0100, 2, 3, b"ab\0\0")),
        "huge count": exif(1, (0x8769, 4, 2**32 - 1, b"\xff" * 4)), "unknown type": exif(1, (0x9999, 77, 1, b"\0" * 4)),
        "orientation of 99": exif(99), "loop": exif(1)[:-4] + struct.pack("<I", 8),
    }  # fmt: skip
    jpeg = encoded(plain(), "JPEG", quality=100, subsampling=0)
    for name, body in exifs.items():
        yield Case(f"EXIF {name} PNG", warm_png(chunk(b"eXIf", body)), WARM)
        yield Case(f"EXIF {name} JPEG", with_segment(jpeg, 0xE1, b"Exif\0\0" + body), WARM)
        for kind in ("WEBP", "AVIF", "JXL"):
            given = exif(1) if kind == "AVIF" else body  # its encoder reads EXIF itself, so it is broken afterwards
            content = encoded(plain(), kind, exif=given, **_EXACT[kind])
            if kind == "AVIF":
                content = content.replace(given, body.ljust(len(given), b"\0")[: len(given)])
            yield Case(f"EXIF {name} {kind}", content, WARM)
    for code in (*range(0xE0, 0xF0), 0xFE):
        yield Case(f"junk in segment {code:02x}", with_segment(jpeg, code, b"ICC_PROFILE\0MPF\0"), WARM)
    yield Case("bytes between segments", jpeg[:20] + b"junk" + jpeg[20:], WARM)
    yield Case("fill bytes", jpeg[:2] + b"\xff" * 9 + jpeg[2:], WARM)
    warm = flat(1, "u1", 3) * np.array(WARM, "u1")
    odd = tiff(warm, 2, 1, t274=(77,), t282=(0,), t700=(9,) * 99, t33432=(5,), t34853=(1, 2, 3))
    yield Case("TIFF with odd tags", odd, WARM)


def _cut() -> Iterator[Case]:
    noise = np.random.default_rng(0).integers(0, 9, (SIZE[1], SIZE[0], 3))
    image = Image.fromarray((noise + np.array(WARM) - 4).astype(np.uint8))
    sound = encoded(image)
    for missing, notes in ((1, ()), (12, ()), (16, ()), (40, (ENDS_EARLY,))):
        yield Case(f"PNG without its last {missing} bytes", sound[:-missing], WARM, notes)
    at = sound.index(b"IDAT") + 4
    stream = sound[at : at + int.from_bytes(sound[at - 8 : at - 4], "big")]
    for name, changed, notes in (
        ("a wrong sum", stream[:-4] + b"junk", ()),
        ("no sum", stream[:-4], ()),
        ("half a sum", stream[:-2], ()),
        ("no end", stream[:-40], (ENDS_EARLY,)),
    ):
        whole = sound[: at - 8] + chunk(b"IDAT", changed) + chunk(b"IEND", b"")
        yield Case(f"PNG whose pixels have {name}", whole, WARM, notes)
    passes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    rows = b"".join((b"\0" + bytes(WARM) * columns) * count for columns, count in passes)
    interlaced = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 1))
    interlaced += chunk(b"IDAT", zlib.compress(rows, 0))
    yield Case("interlaced PNG, cut", interlaced[:-36], WARM, (ENDS_EARLY,))
    for name, options in (("JPEG", {}), ("progressive JPEG", {"progressive": True})):
        sound = encoded(image, "JPEG", quality=95, **options)
        for missing in (1, 2, 40):
            yield Case(f"{name} without its last {missing} bytes", sound[:-missing], WARM, (ENDS_EARLY,))


def _firsts() -> Iterator[Case]:
    frames = {"save_all": True, "append_images": [plain("RGB", "blue")]}
    for name in ("GIF", "PNG", "WEBP", "AVIF"):
        options = frames | _EXACT.get(name, {})
        yield Case(f"animated {name}", encoded(plain(), name, **options), WARM, (ANIMATED,))
    yield Case("TIFF of two pages", encoded(plain(), "TIFF", **frames), WARM, (SEVERAL,))
    yield Case("HEIC of two pictures", encoded(plain(), "HEIF", quality=100, **frames), WARM, (SEVERAL,))
    yield Case("MPO", encoded(plain(), "MPO", quality=100, subsampling=0, **frames), WARM, (SEVERAL,))
    jpeg = encoded(plain(), "JPEG", quality=100, subsampling=0)
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version="1.0"/>'
    yield Case(
        "JPEG with a gain map", with_segment(jpeg, 0xE1, xmp) + encoded(plain("L", 9), "JPEG"), WARM, (GAIN_MAP,)
    )
    apple = with_segment(encoded(plain("L", 9), "JPEG"), 0xE1, b"urn:com:apple:photo:2020:aux:hdrgainmap")
    yield Case("Apple's gain map", with_segment(jpeg, 0xE2, b"MPF\0MM\0*") + apple, WARM, (GAIN_MAP,))
    yield Case("plain HEIC", encoded(plain(), "HEIF", quality=100), WARM)
    yield Case("plain JPEG XL", encoded(plain(), "JXL", lossless=True), WARM)
    yield Case("JPEG XL with boxes", encoded(plain(), "JXL", lossless=True, use_container=True, exif=exif(6)), WARM)


def _broken() -> Iterator[Case]:
    avif, heic, jxl = (encoded(plain(), name) for name in ("AVIF", "HEIF", "JXL"))
    for name, sound in (("AVIF", avif), ("HEIC", heic), ("JPEG XL", jxl)):
        yield Case(f"{name} of random pixels", sound[: -len(sound) // 4] + bytes(len(sound) // 4))
        yield Case(f"{name} cut", sound[: len(sound) // 2])
        yield Case(f"{name} of 16 bytes", sound[:16])
    for text in (
        b"P1 is the first priority of this list",
        b"P6",
        b"P6 9",
        b"P6 9 9 x",
        b"P5 9 9 255\n12",
        b"P3 9 9 255 1 2",
        b"P3 1 2 4095 1 2 3 4",
        b"P2 1 2 255 5 4294967301 6",
        b"P2 1 2 255 5 -1",
        b"P2 1 2 255",
        b"P2 1 1 255\n\n \n",
        b"P2 1 2 x 1 2",
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n\1",
        b"PF 1 1",
    ):
        yield Case(f"PPM {text!r}", text)
    sound = warm_png()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 0))
    yield Case("PNG of a signature", sound[:8])
    yield Case("PNG with a short header", sound.replace(header, chunk(b"IHDR", b"\0\0\0\1")))
    yield Case("PNG with a header of a wrong sum", sound.replace(header, header[:-1] + bytes([header[-1] ^ 1])))
    yield Case("PNG without pixels", sound[:8] + header + chunk(b"IEND", b""))
    yield Case("PNG of no size", sound.replace(header, chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0))))
    yield Case(
        "PNG of an unknown kind", sound.replace(header, chunk(b"IHDR", struct.pack(">II5B", *SIZE, 3, 5, 0, 0, 0)))
    )
    for name, palette in (("no palette", b""), ("an empty palette", chunk(b"PLTE", b""))):
        yield Case(f"PNG of {name}", png(3, 8, b"\1" * SIZE[0], palette))
    yield Case("PNG of junk pixels", sound[:8] + header + chunk(b"IDAT", b"junk" * 9) + chunk(b"IEND", b""))
    yield Case("PNG cut before its pixels", sound[:45])
    jpeg = encoded(plain(), "JPEG")
    for length in (3, 4, 30, 200):
        yield Case(f"JPEG of {length} bytes", jpeg[:length])
    yield Case("WebP of no frame", b"RIFF\4\0\0\0WEBP")
    yield Case("WebP cut", encoded(plain(), "WEBP")[:30])
    yield Case("GIF cut", encoded(plain(), "GIF")[:20])
    grey = tiff(flat(9, "u1"), 1, 1)
    yield Case("TIFF cut in its directory", grey[:40])
    yield Case("TIFF of no directory", grey[:8])
    yield Case("TIFF that points nowhere", grey[:4] + b"\xff" * 4)
    yield Case("TIFF of an unknown compression", tiff(flat(9, "u1"), 1, 1, t259=(7777,)))
    yield Case("TIFF of many samples", tiff(flat(9, "u1"), 1, 1, t277=(60_000,)))
    yield Case("ICO", encoded(plain(), "ICO"))
    for name in ("text", "PDF", "SVG"):
        yield Case(name, {"text": b"hello", "PDF": b"%PDF-1.7", "SVG": b"<svg/>"}[name])


# -- orientation -----------------------------------------------------------------------------------------------------


def corner_picture() -> Image.Image:
    """64 × 48: red, green, blue and white quarters."""
    pixels = np.full((48, 64, 3), 255, np.uint8)
    pixels[:24, :32], pixels[:24, 32:], pixels[24:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return Image.fromarray(pixels)


ORIENTED: dict[str, Callable[[Image.Image, bytes], bytes]] = {
    "JPEG": lambda image, data: encoded(image, "JPEG", quality=95, exif=b"Exif\0\0" + data),
    "PNG": lambda image, data: encoded(image, "PNG", exif=data),
    "WEBP": lambda image, data: encoded(image, "WEBP", lossless=True, exif=data),
    "TIFF": lambda image, data: encoded(image, "TIFF", tiffinfo={0x0112: data[18]}),
    "AVIF": lambda image, data: encoded(image, "AVIF", quality=95, exif=data),
    "HEIF": lambda image, data: encoded(image, "HEIF", quality=95, exif=data),
}
"""Writers of a picture with EXIF's orientation, in the way of each format."""
