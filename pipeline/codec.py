"""One object that owns the models: picture => stream => picture, with every sampling step on the way."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from diffusers.utils import SAFETENSORS_WEIGHTS_NAME
from PIL import Image
from torch import Tensor

from pipeline import images
from pipeline.autoencoder import ALIGNMENT, QUALITY_STEPS, Autoencoder
from pipeline.errors import SettingsError, StreamError
from pipeline.grain import grain_code
from pipeline.score import DiffusionDecoder, FlowDecoder, ScoreDecoder
from pipeline.settings import Decoder, DecodeSettings, DecodeStep
from pipeline.stream import MODELS, StreamHeader, bits_per_pixel, pack, unpack

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
MIN_BPP, MAX_BPP = 0.02, 4.0
_BPP_TOLERANCE = 0.01
_SKETCHES_KEPT = 4


class Codec:
    """The autoencoder and both score-based decoders, loaded from ``checkpoints/`` on first use.

    May be shared by several threads: encoding and the autoencoder's decoding take turns.
    """

    def __init__(self, folder: Path, device: torch.device):
        self._folder = folder
        self.device = device
        self._lock = threading.RLock()
        self._sketches: OrderedDict[bytes, Tensor] = OrderedDict()

    @classmethod
    def from_pretrained(cls, folder: Path = CHECKPOINTS, device: str | None = None) -> "Codec":
        """A codec over the checkpoints in ``folder``; ``device`` defaults to CUDA where there is one, else the CPU."""
        return cls(Path(folder), torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))

    @property
    def description(self) -> str:
        """Device and precision, for people."""
        return f"{self.device.type}, float32"

    @cached_property
    def autoencoder(self) -> Autoencoder:
        model = self._load(Autoencoder, MODELS[1])
        model.entropy.cpu()
        return model

    @cached_property
    def model_hash(self) -> str:
        return self.weights_hash(MODELS[1])

    def weights_hash(self, name: str) -> str:
        """First eight hexadecimal digits of the SHA-256 of a model's safetensors file."""
        return hashlib.sha256((self._folder / name / SAFETENSORS_WEIGHTS_NAME).read_bytes()).hexdigest()[:8]

    @cached_property
    def diffusion(self) -> DiffusionDecoder:
        return self._load(DiffusionDecoder, Decoder.DIFFUSION)

    @cached_property
    def flow(self) -> FlowDecoder:
        return self._load(FlowDecoder, Decoder.FLOW)

    def _load(self, model_class: type, name: str):
        model = model_class.from_pretrained(self._folder / name, torch_dtype=torch.float32, low_cpu_mem_usage=False)
        return model.to(self.device, memory_format=torch.channels_last).eval().requires_grad_(False)

    # -- encoding ---------------------------------------------------------------------------------------------------

    def encode(self, image: Image.Image, *, quality: float | None = None, bpp: float | None = None) -> bytes:
        """Compresses an RGB picture to a stream.

        Args:
            quality: 0 ... 1; the rate follows from the picture.
            bpp: bits per pixel of the whole stream, header included; the quality is searched over real streams, and
                the largest stream within the target is returned (the smallest possible one where none is).

        Raises:
            SettingsError: not exactly one of ``quality`` and ``bpp``, or out of range.
        """
        if (quality is None) == (bpp is None):
            raise SettingsError("Give either a quality or a bitrate, not both and not neither.")
        if quality is not None and not 0 <= quality <= 1:
            raise SettingsError(f"The quality must lie between 0 and 1, not {quality}.")
        if bpp is not None and not MIN_BPP <= bpp <= MAX_BPP:
            raise SettingsError(f"The bitrate must lie between {MIN_BPP} and {MAX_BPP} bpp, not {bpp}.")
        with self._lock:
            tensor = images.to_tensor(image)
            grain = grain_code(tensor)
            padded = images.pad(tensor, ALIGNMENT).to(self.device)

            def encode_at(quality_code: int) -> bytes:
                payload = self.autoencoder.compress(padded, quality_code)
                return pack(MODELS[1], self.model_hash, *image.size, quality_code, grain, payload)

            if quality is not None:
                return encode_at(round(quality * QUALITY_STEPS))
            return self._search(encode_at, bpp)

    @staticmethod
    def _search(encode_at: Callable[[int], bytes], bpp: float) -> bytes:
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
            share = np.log(bpp * (1 - _BPP_TOLERANCE / 2) / low_rate) / np.log(high_rate / low_rate)
            middle = int(np.clip(low + round(share * (high - low)), low + 1, high - 1))
            stream = encode_at(middle)
            rate = bits_per_pixel(stream)
            if rate <= bpp:
                best, low, low_rate = stream, middle, rate
                if rate >= bpp * (1 - _BPP_TOLERANCE):
                    break
            else:
                high, high_rate = middle, rate
        return best

    # -- decoding ---------------------------------------------------------------------------------------------------

    def read(self, stream: bytes) -> tuple[StreamHeader, bytes]:
        """Header and payload of a stream that this codec's models can decode.

        Raises:
            StreamError: damaged, foreign, newer, or made with other weights.
        """
        header, payload = unpack(stream)
        if header.model_hash != self.model_hash:
            raise StreamError(
                f"The stream was made with other weights ({header.model_name} {header.model_hash}, here "
                f"{self.model_hash}); decode it with the Bitbrush release that made it."
            )
        return header, payload

    def decode_latent(self, stream: bytes) -> Tensor:
        """The exact latent: int32 ``(1, channels, padded height / 16, padded width / 16)``, the same on every
        machine."""
        header, payload = self.read(stream)
        width, height = images.padded_size(header.width, header.height, ALIGNMENT)
        return self.autoencoder.decompress_latent(payload, header.quality_code, height, width)

    def reconstruct(self, stream: bytes) -> np.ndarray:
        """The autoencoder's picture, ``(height, width, 3)`` uint8."""
        header, _ = self.read(stream)
        with self._lock:
            return self._crop(self._sketch(stream, header), header)

    def decode(self, stream: bytes, settings: DecodeSettings = DecodeSettings()) -> Iterator[DecodeStep]:
        """Decodes a stream, yielding the autoencoder's picture as step 0 and then every sampling step.

        The last record is the result. Nothing is yielded from a damaged stream.

        Raises:
            StreamError: see `read`.
        """
        header, _ = self.read(stream)
        with self._lock:
            x_hat = self._sketch(stream, header)
        paints = settings.decoder is not Decoder.AUTOENCODER and settings.noise_level > 0
        total = settings.num_inference_steps if paints else 0
        yield DecodeStep(0, total, settings.noise_level if paints else 0.0, self._crop(x_hat, header))
        if not paints:
            return
        model: ScoreDecoder = self.diffusion if settings.decoder is Decoder.DIFFUSION else self.flow
        generator = torch.Generator().manual_seed(settings.seed)
        steps, noise_level = settings.num_inference_steps, settings.noise_level
        for step in model.sample(x_hat, header.quality, header.grain, steps, noise_level, generator):
            yield DecodeStep(step.step, step.total, step.sigma, self._crop(step.picture, header))

    def _sketch(self, stream: bytes, header: StreamHeader) -> Tensor:
        """The autoencoder's picture, padded, ``(1, 3, H, W)`` in [0, 1]; the last few are kept."""
        if stream not in self._sketches:
            latent = self.decode_latent(stream)
            self._sketches[stream] = self.autoencoder.reconstruct(latent, header.quality_code)
            if len(self._sketches) > _SKETCHES_KEPT:
                self._sketches.popitem(last=False)
        self._sketches.move_to_end(stream)
        return self._sketches[stream]

    @staticmethod
    def _crop(picture: Tensor, header: StreamHeader) -> np.ndarray:
        return images.to_uint8(picture[..., : header.height, : header.width])
