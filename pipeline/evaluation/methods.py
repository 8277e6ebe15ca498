"""Every method that is compared: conventional codecs at the same bytes, the autoencoder, grain, the repaints."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from torch import Tensor

from pipeline.baselines import PLAIN_CODECS, add_grain, encode_plain, matched_grain_sigma
from pipeline.codec import Codec
from pipeline.metrics import psnr
from pipeline.metrics.perceptual import lpips_distance
from pipeline.settings import DecodeSettings
from pipeline.stream import read_header

GRAIN_SIGMAS = (1, 2, 3, 4)
SMALLER = (1, 2, 3, 4, 6, 8)
"""By how much `plain_smaller` shrinks a picture."""


@dataclass(frozen=True)
class Subject:
    """One picture at one rate: its original, its stream, the autoencoder's picture, and what was painted on it.

    For methods that need the ``budget`` alone, stream and picture are missing.
    """

    image: Image.Image
    original: np.ndarray
    original_features: Tensor
    budget: int
    """Bytes of the stream."""
    stream: bytes = b""
    x_hat: np.ndarray | None = None
    repaints: dict[DecodeSettings, np.ndarray] = field(default_factory=dict)

    def repaint(self, codec: Codec, settings: DecodeSettings) -> np.ndarray:
        """The decoder's picture; sampled once."""
        if settings not in self.repaints:
            *_, last = codec.decode(self.stream, settings)
            self.repaints[settings] = last.image
        return self.repaints[settings]


@dataclass(frozen=True)
class Method:
    """One row of the tables; ``run`` gives the picture ``(height, width, 3)`` uint8 and the bytes it cost."""

    name: str
    family: str
    run: Callable[[Codec, Subject], tuple[np.ndarray, int]]
    steps: int | None = None
    noise_level: float | None = None
    sigma: float | None = None
    shift: float | None = None
    from_stream: bool = True
    """Whether it needs the stream itself, and not only its size."""


def settings_label(settings: DecodeSettings) -> str:
    steps = "step" if settings.num_inference_steps == 1 else "steps"
    shift = "" if settings.shift is None else f", shift {settings.shift:g}"
    return f"{settings.decoder} {settings.num_inference_steps} {steps}, noise {settings.noise_level:g}{shift}"


def plain(codec_name: str) -> Method:
    """A conventional codec at no more bytes than the stream."""

    def run(codec: Codec, subject: Subject) -> tuple[np.ndarray, int]:
        result = encode_plain(subject.image, codec_name, subject.budget)
        return result.image, len(result.data)

    return Method(PLAIN_CODECS[codec_name].label, codec_name, run, from_stream=False)


def plain_smaller(codec_name: str, sigma: float = 0) -> Method:
    """A conventional codec at no more bytes than the stream, on the picture or on a smaller copy that is enlarged
    again, whichever has the lowest LPIPS; with ``sigma`` grey levels of grain added first.

    Where even the smallest copy takes more bytes, that one is returned.
    """

    def run(codec: Codec, subject: Subject) -> tuple[np.ndarray, int]:
        found = []
        for factor in SMALLER:
            size = [max(1, round(side / factor)) for side in subject.image.size]
            result = encode_plain(subject.image.resize(size, Image.Resampling.LANCZOS), codec_name, subject.budget)
            if len(result.data) <= subject.budget or (not found and factor == SMALLER[-1]):
                large = Image.fromarray(result.image).resize(subject.image.size, Image.Resampling.BICUBIC)
                picture = add_grain(np.asarray(large), sigma)
                found.append((lpips_distance(subject.original, picture), len(result.data), picture))
        _, size, picture = min(found, key=lambda each: each[0])
        return picture, size

    grained = f" + grain σ={sigma:g}" if sigma else ""
    name = f"{PLAIN_CODECS[codec_name].label} of the best size{grained}"
    return Method(name, codec_name, run, sigma=sigma or None, from_stream=False)


def coarse() -> Method:
    """What an ultra-low stream alone says."""
    return Method("coarse", "coarse", lambda codec, subject: (subject.x_hat, len(subject.stream)))


def autoencoder() -> Method:
    return Method("autoencoder", "autoencoder", lambda codec, subject: (subject.x_hat, len(subject.stream)))


def grain(sigma: float) -> Method:
    """The control: the autoencoder's picture plus white noise of ``sigma`` grey levels."""

    def run(codec: Codec, subject: Subject) -> tuple[np.ndarray, int]:
        return add_grain(subject.x_hat, sigma), len(subject.stream)

    return Method(f"grain σ={sigma:g}", "grain", run, sigma=sigma)


def sent_grain(factor: float) -> Method:
    """A control that reads the header: white noise of ``factor`` times the original's grain."""

    def run(codec: Codec, subject: Subject) -> tuple[np.ndarray, int]:
        return add_grain(subject.x_hat, factor * read_header(subject.stream).grain), len(subject.stream)

    return Method(f"grain σ={factor:g} × sent level", "sent grain", run)


def repaint(settings: DecodeSettings) -> Method:
    """A score-based decoder; with a shift of the schedule a family of its own."""

    def run(codec: Codec, subject: Subject) -> tuple[np.ndarray, int]:
        return subject.repaint(codec, settings), len(subject.stream)

    family = str(settings.decoder) if settings.shift is None else f"shifted {settings.decoder}"
    steps, noise_level = settings.num_inference_steps, settings.noise_level
    return Method(settings_label(settings), family, run, steps, noise_level, shift=settings.shift)


def equal_psnr_grain(settings: DecodeSettings) -> Method:
    """The control with as much noise on each picture as makes it lose the PSNR that the repaint loses."""

    def run(codec: Codec, subject: Subject) -> tuple[np.ndarray, int]:
        target = psnr(subject.original, subject.repaint(codec, settings))
        sigma = matched_grain_sigma(subject.x_hat, subject.original, target)
        return add_grain(subject.x_hat, sigma), len(subject.stream)

    steps, noise_level = settings.num_inference_steps, settings.noise_level
    return Method(f"grain at the PSNR of {settings_label(settings)}", "matched grain", run, steps, noise_level)


def reconstruction_methods() -> list[Method]:
    """Conventional codecs at the same bytes, the autoencoder, and the grain control."""
    grains = [grain(sigma) for sigma in GRAIN_SIGMAS] + [sent_grain(factor) for factor in (1, 2)]
    return [*(plain(name) for name in PLAIN_CODECS), autoencoder(), *grains]


def repaints_and_controls(repaints: Iterable[DecodeSettings]) -> list[Method]:
    """The score-based decoders, each beside the grain control at equal PSNR."""
    return [method(settings) for settings in repaints for method in (repaint, equal_psnr_grain)]
