"""Every method that pictures are compared by: conventional codecs at the same bytes, the reconstruction alone, the
grain controls, the repaints, and the ultra-low codec beside the standard one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from PIL import Image

from pipeline.arrays import UInt8
from pipeline.comparison.baselines import PLAIN_CODECS, add_grain, encode_plain, matched_grain_sigma
from pipeline.comparison.subject import Subject, Watch, Working, finish, ignore
from pipeline.metrics import psnr
from pipeline.metrics.perceptual import lpips_distance
from pipeline.settings import DEFAULT_SETTINGS, Allocation, DecodeSettings, QualityMapKind, SystemName
from pipeline.stream import bits_per_pixel, read_header

SMALLER = (1, 2, 3, 4, 6, 8)
"""By how much `plain_smaller` shrinks a picture."""
ULTRALOW_BPP = 0.005, 0.03
"""Least and most that the ultra-low codec takes beside the standard one."""


@dataclass(frozen=True)
class Made:
    """What a method made of a subject."""

    picture: UInt8
    """``(height, width, 3)`` uint8."""
    bytes: int
    """Size of the real stream or file."""
    label: str
    """The method's, with what it chose for this picture."""


@dataclass(frozen=True)
class Method:
    """One way to a picture at the subject's rate."""

    name: str
    """Of its row in the results."""
    label: str
    """For people."""
    family: str
    """Methods of one family differ in their settings alone."""
    make: Callable[[Subject], Working[Made]]
    """Yields the sampling steps on the way; raises `ImageError` with the reason where it cannot take the picture."""
    settings: DecodeSettings | None = None
    """Of the repaint that it is, or that it is the control of."""
    sigma: float | None = None
    """Grey levels of its grain, where these are fixed."""
    needs_stream: bool = True
    """Whether it needs the stream itself, and not only its size."""

    def run(self, subject: Subject, watch: Watch = ignore) -> Made:
        """Makes the picture, showing ``watch`` the sampling steps.

        Raises:
            ImageError: the method cannot take this picture; the text is the reason.
        """
        return finish(self.make(subject), watch)


def autoencoder() -> Method:
    """What a standard stream alone says."""
    return _reconstruction("autoencoder", "Autoencoder")


def adaptive() -> Method:
    """What a standard stream of no more bits says whose quality map is adaptive; evaluation's own streams are even."""
    label = "Autoencoder, adaptive map"

    def make(subject: Subject) -> Made:
        budget = bits_per_pixel(subject.stream)
        other = subject.through(SystemName.STANDARD, budget, Allocation(QualityMapKind.ADAPTIVE))
        return Made(other.reconstruction, other.budget, label)

    return Method("autoencoder, adaptive map", label, "adaptive", _at_once(make))


def coarse() -> Method:
    """What an ultra-low stream alone says."""
    return _reconstruction("coarse", "Coarse picture")


def grain(sigma: float) -> Method:
    """The control: the reconstruction plus white noise of ``sigma`` grey levels."""
    label = f"Grain, σ {sigma:g}"

    def make(subject: Subject) -> Made:
        return Made(add_grain(subject.reconstruction, sigma), subject.budget, label)

    return Method(f"grain σ={sigma:g}", label, "grain", _at_once(make), sigma=sigma)


def sent_grain(factor: float) -> Method:
    """A control that reads the header: white noise of ``factor`` times the original's grain."""
    label = f"Grain, σ {factor:g} × the sent level"

    def make(subject: Subject) -> Made:
        sigma = factor * read_header(subject.stream).grain
        return Made(add_grain(subject.reconstruction, sigma), subject.budget, label)

    return Method(f"grain σ={factor:g} × sent level", label, "sent grain", _at_once(make))


def matched_grain(settings: DecodeSettings) -> Method:
    """The control with as much noise on each picture as makes it lose the PSNR that the repaint loses."""

    def make(subject: Subject) -> Working[Made]:
        painted = yield from subject.paint(settings)
        clean, original = subject.reconstruction, subject.original
        sigma = matched_grain_sigma(clean, original, psnr(original, painted), settings.seed)
        return Made(add_grain(clean, sigma, settings.seed), subject.budget, f"Grain control, σ {sigma:.1f}")

    name = f"grain at the PSNR of {_row_name(settings)}"
    return Method(name, "Grain control", "matched grain", make, settings)


def repaint(settings: DecodeSettings) -> Method:
    """A score-based decoder; with a shift of the schedule a family of its own."""
    label = settings.in_words()

    def make(subject: Subject) -> Working[Made]:
        picture = yield from subject.paint(settings)
        return Made(picture, subject.budget, label)

    family = str(settings.decoder) if settings.shift is None else f"shifted {settings.decoder}"
    return Method(_row_name(settings), label, family, make, settings)


def ultralow() -> Method:
    """The ultra-low codec with its own settings: in no more bytes, within `ULTRALOW_BPP`."""
    settings = DEFAULT_SETTINGS[SystemName.ULTRALOW]
    label = f"Ultra-low codec, {settings.steps_text}"

    def make(subject: Subject) -> Working[Made]:
        least, most = ULTRALOW_BPP
        smaller = subject.through(SystemName.ULTRALOW, max(least, min(most, bits_per_pixel(subject.stream))))
        picture = yield from smaller.paint(settings)
        return Made(picture, smaller.budget, label)

    return Method("ultra-low", label, "ultra-low", make, settings)


def plain(codec: str) -> Method:
    """A conventional codec at no more bytes than the stream, or its smallest file."""
    label = PLAIN_CODECS[codec].label

    def make(subject: Subject) -> Made:
        result = subject.plain(codec)
        remark = ", its smallest" if len(result.data) > subject.budget else ""
        return Made(result.image, len(result.data), f"{label}, quality {result.quality}{remark}")

    return Method(label, label, codec, _at_once(make), needs_stream=False)


def plain_grained(codec: str, sigma: float) -> Method:
    """`plain` with ``sigma`` grey levels of grain, as the reconstruction has in `grain`."""
    label = f"{PLAIN_CODECS[codec].label} + grain σ={sigma:g}"

    def make(subject: Subject) -> Made:
        result = subject.plain(codec)
        return Made(add_grain(result.image, sigma), len(result.data), label)

    return Method(label, label, f"{codec} with grain", _at_once(make), sigma=sigma, needs_stream=False)


def plain_smaller(codec: str, sigma: float = 0) -> Method:
    """A conventional codec at no more bytes than the stream, on the picture or on a smaller copy that is enlarged
    again, whichever has the lowest LPIPS; with ``sigma`` grey levels of grain added first.

    Where even the smallest copy takes more bytes, that one is returned.
    """
    grained = f" + grain σ={sigma:g}" if sigma else ""
    name = f"{PLAIN_CODECS[codec].label} of the best size{grained}"

    def make(subject: Subject) -> Made:
        image = Image.fromarray(subject.original)
        found: list[tuple[float | None, Made]] = []
        for factor in SMALLER:
            width, height = (max(1, round(side / factor)) for side in image.size)
            result = encode_plain(image.resize((width, height), Image.Resampling.LANCZOS), codec, subject.budget)
            if len(result.data) <= subject.budget or (not found and factor == SMALLER[-1]):
                large = Image.fromarray(result.image).resize(image.size, Image.Resampling.BICUBIC)
                picture = add_grain(np.asarray(large), sigma)
                found.append((lpips_distance(subject.original, picture), Made(picture, len(result.data), name)))
        return min(found, key=itemgetter(0))[1]

    return Method(name, name, codec, _at_once(make), sigma=sigma or None, needs_stream=False)


def side_by_side(diffusion: DecodeSettings, flow: DecodeSettings) -> Sequence[Method]:
    """What a standard stream is compared with: its own pictures and the control, then plain codecs at its size."""
    own = autoencoder(), matched_grain(diffusion), repaint(diffusion), repaint(flow)
    return *own, *(plain(codec) for codec in PLAIN_CODECS)


def _at_once(make: Callable[[Subject], Made]) -> Callable[[Subject], Working[Made]]:
    """Of a method without sampling steps."""

    def work(subject: Subject) -> Working[Made]:
        yield from ()
        return make(subject)

    return work


def _reconstruction(name: str, label: str) -> Method:
    def make(subject: Subject) -> Made:
        return Made(subject.reconstruction, subject.budget, label)

    return Method(name, label, name, _at_once(make))


def _row_name(settings: DecodeSettings) -> str:
    shift = "" if settings.shift is None else f", shift {settings.shift:g}"
    return f"{settings.decoder} {settings.steps_text}, noise {settings.noise_level:g}{shift}"
