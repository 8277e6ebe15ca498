"""What the codec needs to know of a compression system."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from PIL import Image
from torch import Tensor, nn

from pipeline.autoencoder import Latent, QualityMap
from pipeline.errors import SettingsError
from pipeline.score import SampleStep
from pipeline.search import RateModel
from pipeline.settings import Allocation, Decoder, DecodeSettings, Precision, QualityMapKind, SystemName
from pipeline.stream import StreamHeader

Network = TypeVar("Network", bound=nn.Module)


class Loader(Protocol):
    """Loads models."""

    def __call__(self, model_class: type[Network], name: str, /) -> Network:
        """Model class and folder in ``checkpoints/`` => the model, ready to run."""
        ...


@dataclass(frozen=True)
class Reconstruction:
    """What a stream alone says: the decoded picture, padded, ``(1, 3, height, width)`` in [0, 1]."""

    picture: Tensor


R = TypeVar("R", bound=Reconstruction)


class System(ABC, Generic[R]):
    """One way from a picture to a stream and back. Models are loaded on first use."""

    name: ClassVar[SystemName]
    model_name: ClassVar[str]
    """The model in the stream's header, and its folder in ``checkpoints/``: what entropy decoding depends on."""
    alignment: ClassVar[int]
    """Picture sides are padded to multiples of this."""
    bpp_range: ClassVar[tuple[float, float]]
    """Bitrates that may be asked for."""
    bpp_tolerance: ClassVar[float]
    """The search for a bitrate ends with a stream at most this share below it."""
    painters: ClassVar[tuple[Decoder, ...]]
    """The decoders that generate detail for its streams."""
    shifts: ClassVar[bool] = False
    """Whether diffusion's noise schedule can be shifted in sampling."""

    def __init__(self, load: Loader, folder: Path, precision: Precision = Precision.FP32):
        """``folder`` is where the models lie, in the layout of ``checkpoints/``; ``load`` loads one of them.
        ``precision`` is what painters and stage 1 compute in, never ``auto``."""
        self._load = load
        self._precision = precision
        self._folder = folder

    @abstractmethod
    def prepare(self) -> None:
        """Loads what encoding needs, so that it takes no time later."""

    def levels(self, allocation: Allocation, image: Image.Image, padded: Tensor) -> Tensor | None:
        """Levels ``(rows, columns)`` int64 of the quality map for ``image``, which is ``padded`` ``(1, 3, height,
        width)`` in [0, 1]; None where all are 0.

        Raises:
            SettingsError: the system takes no map, or the mask has another shape.
        """
        if allocation.kind is not QualityMapKind.EVEN:
            raise SettingsError(f"The {self.name} codec takes no quality map; choose even, or the standard codec.")
        return None

    @abstractmethod
    def encoder(self, padded: Tensor) -> Callable[[QualityMap], bytes]:
        """A function from quality maps to payloads of ``padded`` ``(1, 3, height, width)`` in [0, 1]; what does not
        depend on the quality is computed once."""

    def quality_map(self, payload: bytes, quality_code: int, height: int, width: int) -> QualityMap:
        """The quality map that a payload begins with."""
        return QualityMap(quality_code)

    @abstractmethod
    def rate_model(self, padded: Tensor, levels: Tensor | None) -> RateModel:
        """How its streams of ``padded`` should grow with the quality."""

    @abstractmethod
    def decompress(self, payload: bytes, quality_code: int, height: int, width: int) -> Latent:
        """The exact latent of a padded picture of ``height`` x ``width``: the same on every machine."""

    @abstractmethod
    def reconstruct(self, latent: Latent) -> R:
        """The picture that the stream alone describes."""

    @abstractmethod
    def paint(self, reconstruction: R, header: StreamHeader, settings: DecodeSettings) -> Iterator[SampleStep]:
        """Generates the missing detail by one of the `painters`; ``settings.noise_level`` is above 0."""
