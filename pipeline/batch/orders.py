"""What a batch makes of each file: a stream of every picture, or a picture of every stream."""

import io
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from pipeline.batch.finding import is_picture
from pipeline.errors import ImageError, SettingsError, StreamError
from pipeline.files import read_input
from pipeline.pictures import load_image, read_picture
from pipeline.settings import (
    DEFAULT_SETTINGS,
    Allocation,
    Decoder,
    DecodeSettings,
    Precision,
    QualityMapKind,
    SystemName,
)
from pipeline.stream import SUFFIX, read_header

if TYPE_CHECKING:
    from pipeline.codec import Codec
    from pipeline.metrics import Scores


@dataclass(frozen=True)
class Made:
    """What became of one file."""

    content: bytes
    """Of the file to write."""
    stream: bytes
    scores: "Scores | None"
    """None where there is nothing to compare with."""
    notes: tuple[str, ...] = ()
    """`Picture.notes` of what was read."""


class Order(Protocol):
    """A dataclass of settings; it is sent to worker processes, and its fields are part of what a resumed run compares.

    Names of outputs are the inputs' with something behind them, so that no two are the same: ``a.png`` and ``a.jpg``
    become ``a.png.bbr`` and ``a.jpg.bbr``.
    """

    @property
    def measures(self) -> bool:
        """Whether what is made has scores."""

    def wanted(self, name: str) -> bool:
        """Whether a file of this name is an input."""

    def sources(self, folder: Path, name: str) -> tuple[Path, ...]:
        """The files that are read for an input of this name below ``folder``."""

    def output(self, name: str) -> str:
        """The name of what an input becomes."""

    def codec(self) -> "Codec":
        """A codec to make the files with; raises `SettingsError` for settings that no file could be made with."""

    def make(self, codec: "Codec", folder: Path, name: str) -> Made:
        """Of the file ``name`` below ``folder``; raises `BitbrushError` for a bad one."""


@dataclass(frozen=True)
class Compression:
    """Every picture becomes a stream, measured on what the stream alone says."""

    system: SystemName
    quality_map: QualityMapKind = QualityMapKind.EVEN
    quality: float | None = None
    bpp: float | None = None
    """Exactly one of the two is given."""

    @property
    def measures(self) -> bool:
        return True

    def wanted(self, name: str) -> bool:
        return is_picture(name)

    def sources(self, folder: Path, name: str) -> tuple[Path, ...]:
        return (folder / name,)

    def output(self, name: str) -> str:
        return name + SUFFIX

    def codec(self) -> "Codec":
        from pipeline.codec import Codec

        if self.system is SystemName.ULTRALOW and self.quality_map is not QualityMapKind.EVEN:
            raise SettingsError(f"The {self.system} codec takes no quality map; choose even, or the standard codec.")
        codec = Codec.from_pretrained()
        low, high = codec.system(self.system).bpp_range
        if self.bpp is not None and not low <= self.bpp <= high:
            raise SettingsError(
                f"The bitrate of the {self.system} codec must lie between {low} and {high} bpp, not {self.bpp}."
            )
        return codec

    def make(self, codec: "Codec", folder: Path, name: str) -> Made:
        from pipeline.metrics import measure

        read = read_picture(_file(folder / name, ImageError))
        picture = read.image
        stream = codec.encode(
            picture, quality=self.quality, bpp=self.bpp, codec=self.system, allocation=Allocation(self.quality_map)
        )
        return Made(stream, stream, measure(np.asarray(picture), codec.reconstruct(stream)), read.notes)


@dataclass(frozen=True)
class Decompression:
    """Every stream becomes a PNG."""

    decoder: Decoder
    steps: int | None
    noise: float | None
    seed: int
    shift: float | None
    precision: Precision = Precision.AUTO
    originals: str | None = None
    """Folder of the pictures that the streams were made of, to measure against."""

    def settings(self, codec: SystemName) -> DecodeSettings:
        """For a stream of this codec, which brings the steps and the noise level that are not given."""
        if not self.decoder.paints and (self.steps, self.noise) != (None, None):
            raise SettingsError(f"The decoder {self.decoder} paints nothing; leave --steps and --noise away.")
        own = DEFAULT_SETTINGS[codec]
        noise = own.noise_level if self.noise is None else self.noise
        return DecodeSettings(self.decoder, self.steps or own.num_inference_steps, noise, self.seed, self.shift)

    @property
    def measures(self) -> bool:
        return self.originals is not None

    def wanted(self, name: str) -> bool:
        return name.endswith(SUFFIX)

    def sources(self, folder: Path, name: str) -> tuple[Path, ...]:
        stream = folder / name
        return (stream,) if self.originals is None else (stream, Path(self.originals, name.removesuffix(SUFFIX)))

    def output(self, name: str) -> str:
        return name.removesuffix(SUFFIX) + ".png"

    def codec(self) -> "Codec":
        from pipeline.codec import Codec

        for name in SystemName:
            self.settings(name)
        return Codec.from_pretrained(precision=self.precision)

    def make(self, codec: "Codec", folder: Path, name: str) -> Made:
        from pipeline.metrics import measure

        path, *originals = self.sources(folder, name)
        stream = read_input(_file(path, StreamError))
        settings = self.settings(read_header(stream).codec)
        original = load_image(_file(originals[0], ImageError)) if originals else None
        (last,) = deque(codec.decode(stream, settings), maxlen=1)  # the steps before are not kept
        buffer = io.BytesIO()
        Image.fromarray(last.image).save(buffer, format="PNG", compress_level=3)
        scores = None if original is None else measure(np.asarray(original), last.image)
        return Made(buffer.getvalue(), stream, scores)


def _file(path: Path, error: type[ImageError | StreamError]) -> Path:
    """``path``, unless reading it could wait for ever or nothing is there."""
    if not path.is_file():
        raise error(f"There is no file {path}; it may be a broken link, a pipe or a folder.")
    return path
