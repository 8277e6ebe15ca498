"""The container: a 24-byte header, then the entropy-coded payload.

    offset  bytes  field
    0       3      magic "BBR"
    3       1      container version
    4       1      model number, see `MODELS`
    5       4      first four bytes of the SHA-256 of the model's weights
    9       2      width
    11      2      height
    13      2      quality code, 0 ... 4096
    15      1      grain of the original, in 1/16 grey level
    16      4      payload length
    20      4      CRC-32 of everything before it and of the payload

All integers are big-endian.
"""

import struct
import zlib
from dataclasses import dataclass

from pipeline.errors import StreamError
from pipeline.pictures import MAX_PIXELS
from pipeline.settings import SystemName

SUFFIX = ".bbr"
QUALITY_STEPS = 4096
"""Qualities are coded as integers 0 ... QUALITY_STEPS."""
GRAIN_STEPS = 16
"""Grain is coded in units of 1/16 grey level."""
VERSION = 2
"""Version 1 had another entropy coder."""
MODELS = {1: "autoencoder", 2: "ultralow"}
"""The model behind a stream, by the number in its header; also its folder in ``checkpoints/``."""
_CODECS = {"autoencoder": SystemName.STANDARD, "ultralow": SystemName.ULTRALOW}
_MAGIC = b"BBR"
_FIELDS = struct.Struct(">3sBB4sHHHBI")
_CHECKSUM = struct.Struct(">I")
HEADER_BYTES = _FIELDS.size + _CHECKSUM.size


@dataclass(frozen=True)
class StreamHeader:
    """What a stream says of itself."""

    version: int
    model_name: str
    model_hash: str
    """First eight hexadecimal digits of the SHA-256 of the weights."""
    width: int
    height: int
    quality_code: int
    grain_code: int
    payload_bytes: int

    @property
    def codec(self) -> SystemName:
        """The compression system that wrote the stream."""
        return _CODECS[self.model_name]

    @property
    def quality(self) -> float:
        """Quality in [0, 1]."""
        return self.quality_code / QUALITY_STEPS

    @property
    def grain(self) -> float:
        """Noise of the original in grey levels."""
        return self.grain_code / GRAIN_STEPS

    @property
    def total_bytes(self) -> int:
        return HEADER_BYTES + self.payload_bytes

    @property
    def bpp(self) -> float:
        """Bits per pixel of the whole stream, header included."""
        return 8 * self.total_bytes / (self.width * self.height)


def pack(
    model_name: str, model_hash: str, width: int, height: int, quality_code: int, grain_code: int, payload: bytes
) -> bytes:
    """A complete stream; sides are 1 ... 65535, ``quality_code`` 0 ... 4096, ``grain_code`` 0 ... 255."""
    number = next(number for number, name in MODELS.items() if name == model_name)
    weights = bytes.fromhex(model_hash)
    return assemble(VERSION, number, weights, width, height, quality_code, grain_code, payload)


def assemble(
    version: int, number: int, weights: bytes, width: int, height: int, quality: int, grain: int, payload: bytes
) -> bytes:
    """The bytes of a stream with these fields, whether they make sense or not, and the length and checksum they ask
    for."""
    fields = _FIELDS.pack(_MAGIC, version, number, weights, width, height, quality, grain, len(payload))
    return fields + _CHECKSUM.pack(zlib.crc32(payload, zlib.crc32(fields))) + payload


def unpack(stream: bytes) -> tuple[StreamHeader, bytes]:
    """Header and payload of an undamaged stream.

    Raises:
        StreamError: not a Bitbrush stream, older or newer version, truncated, damaged, or from an unknown model.
    """
    if len(stream) < len(_MAGIC) or not stream.startswith(_MAGIC):
        raise StreamError("This is not a Bitbrush stream (it does not begin with “BBR”); choose a .bbr file.")
    if len(stream) < HEADER_BYTES:
        raise StreamError("The stream is cut off within its header; get the whole file again.")
    _, version, number, weights, width, height, quality_code, grain_code, length = _FIELDS.unpack_from(stream)
    if version > VERSION:
        raise StreamError(f"The stream has version {version}, this program reads up to {VERSION}; update Bitbrush.")
    if 1 <= version < VERSION:
        raise StreamError(
            f"The stream has version {version} and this program reads version {VERSION}; decode it with the Bitbrush "
            "release that made it."
        )
    payload = stream[HEADER_BYTES:]
    if len(payload) != length:
        raise StreamError(
            f"The stream should hold {length} bytes after its header but holds {len(payload)}; get the file again."
        )
    (checksum,) = _CHECKSUM.unpack_from(stream, _FIELDS.size)
    if checksum != zlib.crc32(payload, zlib.crc32(stream[: _FIELDS.size])):
        raise StreamError("The stream is damaged (its checksum does not match); get the file again.")
    if number not in MODELS:
        raise StreamError(f"The stream was made by a model this program does not know (number {number}); update it.")
    if version < 1 or not (width and height) or width * height > MAX_PIXELS or quality_code > QUALITY_STEPS:
        raise StreamError("The stream's header holds impossible values; it was not made by Bitbrush.")
    header = StreamHeader(version, MODELS[number], weights.hex(), width, height, quality_code, grain_code, length)
    return header, payload


def has_map(stream: bytes) -> bool:
    """Whether the quality differs from place to place: a standard payload's first byte names the table of the levels,
    0 where there are none. Raises like `unpack`."""
    header, payload = unpack(stream)
    return header.codec is SystemName.STANDARD and payload[:1] > b"\0"


def read_header(stream: bytes) -> StreamHeader:
    """The header of an undamaged stream; raises like `unpack`."""
    return unpack(stream)[0]


def bits_per_pixel(stream: bytes) -> float:
    """``8 * len(stream) / pixels``: measured, header included."""
    return read_header(stream).bpp
