"""One object that owns the models: picture => stream => picture, with every sampling step on the way."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers.utils.constants import SAFETENSORS_WEIGHTS_NAME
from PIL import Image
from torch import Tensor

from pipeline import images
from pipeline.arrays import UInt8
from pipeline.autoencoder import Latent, QualityMap
from pipeline.autoencoder.allocation import affordable
from pipeline.cache import ByteCache
from pipeline.errors import SettingsError, StreamError
from pipeline.grain import grain_code
from pipeline.settings import DEFAULT_SETTINGS, EVEN, Allocation, CodecName, DecodeSettings, DecodeStep
from pipeline.stream import QUALITY_STEPS, StreamHeader, bits_per_pixel, pack, unpack
from pipeline.systems import HFDSystem, Reconstruction, SPRDiffSystem, System
from pipeline.systems.base import Network

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
_RECONSTRUCTION_BYTES_KEPT = 320_000_000
"""One reconstruction of 24 megapixels, or many of the usual size."""


class Codec:
    """Both compression systems, their models loaded from ``checkpoints/`` on first use.

    May be shared by several threads: loading, encoding and the decoding before the painting take turns.
    """

    def __init__(self, folder: Path, device: torch.device):
        self._folder = folder
        self.device = device
        self.standard = HFDSystem(self._load, folder)
        self.ultralow = SPRDiffSystem(self._load, folder)
        self._lock = threading.RLock()
        self._hashes: dict[str, str] = {}
        self._models: dict[str, torch.nn.Module] = {}
        self._reconstructions: ByteCache[Reconstruction] = ByteCache(_RECONSTRUCTION_BYTES_KEPT, _nbytes)

    @classmethod
    def from_pretrained(cls, folder: Path = CHECKPOINTS, device: str | None = None) -> "Codec":
        """A codec over the checkpoints in ``folder``; ``device`` defaults to CUDA where there is one, else the CPU."""
        return cls(Path(folder), torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))

    @property
    def description(self) -> str:
        """Device and precision, for people."""
        return f"{self.device.type}, float32"

    @property
    def systems(self) -> tuple[System[Any], ...]:
        return self.standard, self.ultralow

    def system(self, name: CodecName) -> System[Any]:
        """The compression system of that name."""
        return next(system for system in self.systems if system.name == name)

    def weights_hash(self, name: str) -> str:
        """First eight hexadecimal digits of the SHA-256 of a model's safetensors file."""
        if name not in self._hashes:
            content = (self._folder / name / SAFETENSORS_WEIGHTS_NAME).read_bytes()
            self._hashes[name] = hashlib.sha256(content).hexdigest()[:8]
        return self._hashes[name]

    def _load(self, model_class: type[Network], name: str) -> Network:
        with self._lock:
            if name not in self._models:
                model = cast(Any, model_class).from_pretrained(
                    self._folder / name, torch_dtype=torch.float32, low_cpu_mem_usage=False
                )
                model = model.to(self.device, memory_format=torch.channels_last).eval().requires_grad_(False)
                self._models[name] = model
            return cast(Network, self._models[name])

    def encode(
        self,
        image: Image.Image,
        *,
        quality: float | None = None,
        bpp: float | None = None,
        codec: CodecName = CodecName.STANDARD,
        allocation: Allocation = EVEN,
        check: Callable[[], None] = lambda: None,
    ) -> bytes:
        """Compresses an RGB picture to a stream.

        Args:
            codec: the compression system.
            quality: 0 ... 1; the rate follows from the picture.
            bpp: bits per pixel of the whole stream, header included; the quality is searched over real streams, and
                the largest stream within the target is returned (the smallest possible one where none is).
            allocation: where in the picture the bits go; a target bitrate stays the same.
            check: called before every stream that is made; what it raises ends the encoding.

        Raises:
            SettingsError: not exactly one of ``quality`` and ``bpp``, or out of range; a quality map for
                a system that takes none, or a mask of another shape.
        """
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
            tensor = images.to_tensor(image)
            grain = grain_code(tensor)
            weights = self.weights_hash(system.model_name)
            padded = images.pad(tensor, system.alignment).to(self.device)
            wanted = levels = system.levels(allocation, image, padded)
            compress = system.encoder(padded)

            def encode_at(quality_code: int) -> bytes:
                check()
                payload = compress(QualityMap(quality_code, levels))
                return pack(system.model_name, weights, *image.size, quality_code, grain, payload)

            if bpp is not None:
                levels = None if wanted is None else affordable(wanted, image.width * image.height * bpp)
                return self._search(encode_at, bpp, system.bpp_tolerance)
            code = round(cast(float, quality) * QUALITY_STEPS)
            stream = encode_at(code)
            levels = None if wanted is None else affordable(wanted, 8 * len(stream))
            return stream if levels is wanted else encode_at(code)

    @staticmethod
    def _search(encode_at: Callable[[int], bytes], bpp: float, tolerance: float) -> bytes:
        """Search by interpolating log bpp, nearly linear in the quality, between the brackets found so far."""
        low, high = 0, QUALITY_STEPS
        best = encode_at(low)
        low_rate = bits_per_pixel(best)
        if low_rate >= bpp:
            return best
        top = encode_at(high)
        high_rate = bits_per_pixel(top)
        if high_rate <= bpp:
            return top
        while high - low > 1:
            share = np.log(bpp * (1 - tolerance / 2) / low_rate) / np.log(high_rate / low_rate)
            middle = int(np.clip(low + round(share * (high - low)), low + 1, high - 1))
            stream = encode_at(middle)
            rate = bits_per_pixel(stream)
            if rate <= bpp:
                best, low, low_rate = stream, middle, rate
                if rate >= bpp * (1 - tolerance):
                    break
            else:
                high, high_rate = middle, rate
        return best

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
        """The exact latent and its quality map: the same on every machine."""
        header, payload = self.read(stream)
        system = self.system(header.codec)
        width, height = images.padded_size(header.width, header.height, system.alignment)
        with self._lock:
            return system.decompress(payload, header.quality_code, height, width)

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
            SettingsError: the stream's system has no such decoder.
        """
        header, _ = self.read(stream)
        system = self.system(header.codec)
        settings = settings or DEFAULT_SETTINGS[header.codec]
        if settings.decoder.paints and settings.decoder not in system.painters:
            raise SettingsError(
                f"The {system.name} codec has no decoder “{settings.decoder}”; choose {' or '.join(system.painters)}."
            )
        reconstruction = self._reconstruction(stream, header)
        if not settings.decoder.paints or settings.noise_level == 0:
            yield DecodeStep(0, 0, 0.0, self._crop(reconstruction.picture, header))
            return
        steps = system.paint(reconstruction, header, settings)
        yield DecodeStep(
            0, settings.num_inference_steps, settings.noise_level, self._crop(reconstruction.picture, header)
        )
        for step in steps:
            yield DecodeStep(step.step, step.total, step.sigma, self._crop(step.picture, header))

    def _reconstruction(self, stream: bytes, header: StreamHeader) -> Reconstruction:
        """What the stream alone says; the last ones are kept."""
        with self._lock:
            reconstruction = self._reconstructions.get(stream)
            if reconstruction is None:
                reconstruction = self.system(header.codec).reconstruct(self.decode_latent(stream))
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
