"""One object that owns the models: picture => stream => picture, with every sampling step on the way."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.utils.constants import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from PIL import Image
from torch import Tensor

from pipeline import images
from pipeline.arrays import UInt8
from pipeline.autoencoder import Latent, QualityMap
from pipeline.autoencoder.allocation import affordable, ever_weaker
from pipeline.cache import ByteCache
from pipeline.errors import BitbrushError, ImageError, SettingsError, StreamError
from pipeline.grain import grain_code
from pipeline.layers.model import frozen, loaded, moved
from pipeline.memory import tidy
from pipeline.pictures import check_size
from pipeline.precision import chosen
from pipeline.score import SampleStep
from pipeline.search import search_bitrate
from pipeline.settings import (
    DEFAULT_SETTINGS,
    EVEN,
    LEAST_NOISE,
    Allocation,
    DecodeSettings,
    DecodeStep,
    Precision,
    SystemName,
)
from pipeline.stream import QUALITY_STEPS, StreamHeader, bits_per_pixel, pack, unpack
from pipeline.systems import HFDSystem, Reconstruction, SPRDiffSystem, System
from pipeline.systems.base import Network

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
_LOADING: dict[str, Any] = {
    "torch_dtype": torch.float32,
    "low_cpu_mem_usage": False,
    "local_files_only": True,
    "use_safetensors": True,
}
_RECONSTRUCTION_BYTES_KEPT = 320_000_000
"""One reconstruction of 24 megapixels by the standard codec, of 11 by the ultra-low one, or many of the usual size."""


class Codec:
    """Both compression systems, their models loaded from ``checkpoints/`` on first use.

    May be shared by several threads: loading, encoding and the decoding before the painting take turns.
    """

    def __init__(self, folder: Path, device: torch.device, precision: Precision = Precision.AUTO):
        self._folder = folder
        self.device = device
        self.precision = chosen(precision, device)
        """What the networks of painters and, but for fp16, of stage 1 compute in; the rest is float32 or exact."""
        self.standard = HFDSystem(self._load, folder, self.precision)
        self.ultralow = SPRDiffSystem(self._load, folder, self.precision)
        self._lock = threading.RLock()
        self._hashes: dict[str, str] = {}
        self._models: dict[str, torch.nn.Module] = {}
        self._reconstructions: ByteCache[Reconstruction] = ByteCache(_RECONSTRUCTION_BYTES_KEPT, _nbytes)

    @classmethod
    def from_pretrained(
        cls, folder: Path = CHECKPOINTS, device: str | None = None, precision: Precision = Precision.AUTO
    ) -> "Codec":
        """A codec over the checkpoints in ``folder``; ``device`` defaults to CUDA where there is one, else the CPU.

        Raises:
            SettingsError: the device cannot compute in this precision.
        """
        return cls(Path(folder), torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")), precision)

    @property
    def description(self) -> str:
        """Device and precision, for people."""
        return f"{self.device.type}, {self.precision}"

    @property
    def systems(self) -> tuple[System[Any], ...]:
        return self.standard, self.ultralow

    def system(self, name: SystemName) -> System[Any]:
        """The compression system of that name; raises `SettingsError` where there is none."""
        found = next((system for system in self.systems if system.name == name), None)
        if found is None:
            raise SettingsError(f"There is no codec “{name}”; choose {' or '.join(SystemName)}.")
        return found

    def has(self, name: str) -> bool:
        """Whether there is a model of that name."""
        return (self._folder / name).exists()

    def weights_hash(self, name: str) -> str:
        """First eight hexadecimal digits of the SHA-256 of a model's safetensors file."""
        if name not in self._hashes:
            try:
                content = (self._folder / name / SAFETENSORS_WEIGHTS_NAME).read_bytes()
            except OSError as error:
                raise BitbrushError(
                    f"The weights in {self._folder / name} cannot be read ({error.strerror}); get that folder again."
                ) from error
            self._hashes[name] = hashlib.sha256(content).hexdigest()[:8]
        return self._hashes[name]

    def fingerprint(self, name: str) -> str:
        """First eight hexadecimal digits of the SHA-256 of all that a model's answers depend on: weights and config."""
        config = (self._folder / name / CONFIG_NAME).read_bytes()
        return hashlib.sha256(self.weights_hash(name).encode() + config).hexdigest()[:8]

    def _load(self, model_class: type[Network], name: str) -> Network:
        with self._lock:
            if name not in self._models:
                model = loaded(model_class, self._folder / name, **_LOADING)
                self._models[name] = frozen(moved(model, self.device, memory_format=torch.channels_last))
            return cast(Network, self._models[name])

    def encode(
        self,
        image: Image.Image,
        *,
        quality: float | None = None,
        bpp: float | None = None,
        codec: SystemName = SystemName.STANDARD,
        allocation: Allocation = EVEN,
        check: Callable[[], None] = lambda: None,
    ) -> bytes:
        """Compresses an RGB picture to a stream.

        Args:
            codec: the compression system.
            quality: 0 ... 1; the rate follows from the picture.
            bpp: bits per pixel of the whole stream, header included; the quality is searched over real streams, and
                the largest stream within the target is returned (the smallest possible one where none is). It may
                differ by a few bytes from that of its quality, for its latent may be that of a quality nearby.
            allocation: where in the picture the bits go; a target bitrate stays the same, and the map becomes weaker
                where it could not be kept otherwise.
            check: called before every stream that is made; what it raises ends the encoding.

        Raises:
            ImageError: the picture is not RGB, or beyond the limits of `pipeline.pictures`.
            SettingsError: not exactly one of ``quality`` and ``bpp``, or out of range; a quality map for
                a system that takes none, or a mask of another shape.
        """
        if image.mode != "RGB":
            raise ImageError(f"Pictures to compress must be RGB, not {image.mode}; use image.convert('RGB').")
        check_size(*image.size)
        if (quality is None) == (bpp is None):
            raise SettingsError("Give either a quality or a bitrate, not both and not neither.")
        if quality is not None and not 0 <= quality <= 1:
            raise SettingsError(f"The quality must lie between 0 and 1, not {quality}.")
        system = self.system(codec)
        low, high = system.bpp_range
        if bpp is not None and not low <= bpp <= high:
            raise SettingsError(f"The bitrate of the {codec} codec must lie between {low} and {high} bpp, not {bpp}.")
        with self._lock:
            check()
            weights = self.weights_hash(system.model_name)
            padded = images.pad(images.to_tensor(image), system.alignment)
            grain = grain_code(padded[..., : image.height, : image.width])
            padded = padded.to(self.device)
            wanted = system.levels(allocation, image, padded)
            compress = system.encoder(padded)

            def encode_at(levels: Tensor | None, quality_code: int) -> bytes:
                check()
                payload = compress(QualityMap(quality_code, levels))
                tidy(image.width * image.height)
                return pack(system.model_name, weights, *image.size, quality_code, grain, payload)

            if bpp is not None:
                for levels in ever_weaker(wanted, image.width * image.height * bpp):
                    model = system.rate_model(padded, levels)
                    stream = search_bitrate(partial(encode_at, levels), bpp, system.bpp_tolerance, model)
                    if bits_per_pixel(stream) <= bpp:
                        break
                return stream
            code = round(cast(float, quality) * QUALITY_STEPS)
            stream = encode_at(wanted, code)
            levels = None if wanted is None else affordable(wanted, 8 * len(stream))
            return stream if levels is wanted else encode_at(levels, code)

    def read(self, stream: bytes) -> tuple[StreamHeader, bytes]:
        """Header and payload of a stream that this codec's models can decode.

        Raises:
            StreamError: damaged, foreign, newer, or made with other weights.
        """
        header, payload = unpack(stream)
        weights = self.weights_hash(header.model_name)
        if header.model_hash != weights:
            raise StreamError(
                f"The stream was made with other weights ({header.model_name} {header.model_hash}, here "
                f"{weights}); decode it with the Bitbrush release that made it."
            )
        return header, payload

    def decode_latent(self, stream: bytes) -> Latent:
        """The exact latent, with its quality map and the scales of its symbols: the same on every machine."""
        header, payload = self.read(stream)
        system = self.system(header.codec)
        width, height = images.padded_size(header.width, header.height, system.alignment)
        with self._lock:
            latent = system.decompress(payload, header.quality_code, height, width)
            tidy(width * height)
            return latent

    def quality_map(self, stream: bytes) -> QualityMap:
        """The quality map alone; raises like `read`."""
        header, payload = self.read(stream)
        system = self.system(header.codec)
        width, height = images.padded_size(header.width, header.height, system.alignment)
        with self._lock:
            return system.quality_map(payload, header.quality_code, height, width)

    def reconstruct(self, stream: bytes) -> UInt8:
        """The picture that the stream alone describes, ``(height, width, 3)`` uint8."""
        header, _ = self.read(stream)
        return self._crop(self._reconstruction(stream, header).picture, header)

    def decode(self, stream: bytes, settings: DecodeSettings | None = None) -> Iterator[DecodeStep]:
        """Decodes a stream, yielding the picture that it alone describes as step 0 and then every sampling step.

        The last record is the result. Nothing is yielded from a damaged stream.

        Args:
            settings: the codec's own of `DEFAULT_SETTINGS` unless given.

        Raises:
            StreamError: see `read`.
            SettingsError: the stream's system has no such decoder, or no schedule to shift.
        """
        header, _ = self.read(stream)
        system = self.system(header.codec)
        settings = settings or DEFAULT_SETTINGS[header.codec]
        if settings.decoder.paints and settings.decoder not in system.painters:
            raise SettingsError(
                f"The {system.name} codec has no decoder “{settings.decoder}”; choose {' or '.join(system.painters)}."
            )
        if settings.shift is not None and not system.shifts:
            raise SettingsError(f"The {system.name} codec has no noise schedule to shift; leave the shift out.")
        reconstruction = self._reconstruction(stream, header)
        if not settings.decoder.paints or settings.noise_level < LEAST_NOISE:
            yield DecodeStep(0, 0, 0.0, self._crop(reconstruction.picture, header))
            return
        steps = system.paint(reconstruction, header, settings)
        yield DecodeStep(
            0, settings.num_inference_steps, settings.noise_level, self._crop(reconstruction.picture, header)
        )
        # A map keeps no step while the next is made.
        yield from map(partial(self._shown, header), steps)

    def _shown(self, header: StreamHeader, step: SampleStep) -> DecodeStep:
        tidy(header.width * header.height)
        return DecodeStep(step.step, step.total, step.sigma, self._crop(step.picture, header))

    def _reconstruction(self, stream: bytes, header: StreamHeader) -> Reconstruction:
        """What the stream alone says; the last ones are kept."""
        with self._lock:
            reconstruction = self._reconstructions.get(stream)
            if reconstruction is None:
                reconstruction = self.system(header.codec).reconstruct(self.decode_latent(stream))
                tidy(header.width * header.height)
                self._reconstructions.put(stream, reconstruction)
            return reconstruction

    @staticmethod
    def _crop(picture: Tensor, header: StreamHeader) -> UInt8:
        return images.to_uint8(picture[..., : header.height, : header.width])


def _nbytes(part: object) -> int:
    """Bytes of all tensors in a part and the dataclasses and tuples within it."""
    if isinstance(part, Tensor):
        return part.nbytes
    parts = part if isinstance(part, tuple) else [getattr(part, each.name) for each in fields(cast(Any, part))]
    return sum(map(_nbytes, parts))
