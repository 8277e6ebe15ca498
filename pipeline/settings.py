"""What a user chooses when encoding and decoding, and what decoding reports while it runs."""

from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

from pipeline.arrays import UInt8
from pipeline.errors import SettingsError

MAX_STEPS = 100
MAX_SEED = 2**32 - 1
MAX_SHIFT = 16


class SystemName(StrEnum):
    """How a picture becomes a stream."""

    STANDARD = "standard"
    """HFD's: an autoencoder made for MSE, from about 0.1 to 1 bpp."""
    ULTRALOW = "ultralow"
    """SPRDiff's: below 0.03 bpp."""


class QualityMapKind(StrEnum):
    """Where in the picture the bits go."""

    EVEN = "even"
    """The same quality everywhere: the best PSNR."""
    ADAPTIVE = "adaptive"
    """More for skin, sky and water, less for busy texture, which hides errors."""
    PAINTED = "painted"
    """More where a mask is bright."""


ADAPTIVE_STRENGTH = 1.4
"""Chosen by ``evaluate maps`` on held-out photographs."""


@dataclass(frozen=True)
class Allocation:
    """How the encoder sets the quality map.

    Raises:
        SettingsError: a painted map without a mask, or a mask for another kind.
    """

    kind: QualityMapKind = QualityMapKind.EVEN
    mask: Image.Image | None = None
    """Of a painted map: a picture of the same shape as the photo."""
    strength: float = ADAPTIVE_STRENGTH
    """Of an adaptive map: levels for each doubling of the local variance."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", QualityMapKind(self.kind))
        except ValueError:
            known = ", ".join(QualityMapKind)
            raise SettingsError(f"There is no quality map “{self.kind}”; choose one of {known}.") from None
        if self.kind is QualityMapKind.PAINTED and self.mask is None:
            raise SettingsError("A painted quality map needs a mask; give one, or choose another map.")
        if self.kind is not QualityMapKind.PAINTED and self.mask is not None:
            raise SettingsError(f"The {self.kind} quality map takes no mask; leave it away, or choose painted.")


EVEN = Allocation()
DEFAULT_ALLOCATIONS = {SystemName.STANDARD: Allocation(QualityMapKind.ADAPTIVE), SystemName.ULTRALOW: EVEN}
"""Where the bits of a codec's streams go unless the user says otherwise."""


class Precision(StrEnum):
    """What the painters compute in, and but for fp16 stage 1; see `pipeline.precision`."""

    AUTO = "auto"
    """What the hardware multiplies fastest, or what ``BITBRUSH_PRECISION`` says."""
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class Decoder(StrEnum):
    """How the decoded latent becomes a picture."""

    AUTOENCODER = "autoencoder"
    """What the stream alone says, of a standard stream."""
    COARSE = "coarse"
    """What the stream alone says, of an ultra-low stream."""
    DIFFUSION = "diffusion"
    FLOW = "flow"
    """For standard streams only."""

    @property
    def paints(self) -> bool:
        """Whether detail is generated."""
        return self in (Decoder.DIFFUSION, Decoder.FLOW)


DECODER_NAMES = {Decoder.DIFFUSION: "Diffusion", Decoder.FLOW: "Rectified flow"}
"""Of the decoders that paint, for people."""


LEAST_NOISE = 0.001
"""Noise levels below this are 0: the time of a schedule's last step."""


@dataclass(frozen=True)
class DecodeSettings:
    """Decoder-side settings; none of them changes the stream.

    Raises:
        SettingsError: a value is out of its range, or a shift is given to a decoder without a schedule.
    """

    decoder: Decoder = Decoder.DIFFUSION
    num_inference_steps: int = 1
    """Network evaluations, 1 to `MAX_STEPS`."""
    noise_level: float = 1.0
    """0, like all below `LEAST_NOISE`, returns the autoencoder's picture exactly, 1 runs the full noise schedule."""
    seed: int = 0
    """0 to `MAX_SEED`; the same seed gives the same picture."""
    shift: float | None = None
    """Of diffusion's noise schedule in sampling, 1/`MAX_SHIFT` to `MAX_SHIFT`; the trained one unless given. Below 1
    less noise, fine detail first; above 1 more, as in text-to-image. For diffusion alone."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "decoder", Decoder(self.decoder))
        except ValueError:
            raise SettingsError(f"There is no decoder “{self.decoder}”; choose one of {', '.join(Decoder)}.") from None
        if not 1 <= self.num_inference_steps <= MAX_STEPS:
            raise SettingsError(f"Sampling steps must lie between 1 and {MAX_STEPS}, not {self.num_inference_steps}.")
        if not 0 <= self.noise_level <= 1:
            raise SettingsError(f"The noise level must lie between 0 and 1, not {self.noise_level}.")
        if not 0 <= self.seed <= MAX_SEED:
            raise SettingsError(f"The seed must lie between 0 and {MAX_SEED}, not {self.seed}.")
        if self.shift is not None and not 1 / MAX_SHIFT <= self.shift <= MAX_SHIFT:
            raise SettingsError(f"The shift must lie between 1/{MAX_SHIFT} and {MAX_SHIFT}, not {self.shift}.")
        if self.shift is not None and self.decoder is not Decoder.DIFFUSION:
            raise SettingsError(f"Only diffusion has a noise schedule to shift; leave it out for {self.decoder}.")

    @property
    def steps_text(self) -> str:
        """The number of steps, such as "25 steps"."""
        return "1 step" if self.num_inference_steps == 1 else f"{self.num_inference_steps} steps"

    def in_words(self) -> str:
        """Of a repaint, such as "Diffusion, 25 steps, noise 0.5"."""
        return f"{DECODER_NAMES[self.decoder]}, {self.steps_text}, noise {self.noise_level:g}"


DEFAULT_SETTINGS = {
    SystemName.STANDARD: DecodeSettings(),
    SystemName.ULTRALOW: DecodeSettings(Decoder.DIFFUSION, 1, 1.0),
}
"""What decodes a codec's streams unless the user says otherwise."""


@dataclass(frozen=True)
class DecodeStep:
    """One record of a running decode. Step 0 is the autoencoder's picture; the last record is the result."""

    step: int
    total: int
    """Network evaluations; at step 0 as many as were asked for, of which diffusion leaves out those at equal times."""
    sigma: float
    """Where the sampler is after this step: noise relative to the signal of diffusion, the time of a flow, 0 at the
    end; at step 0 the noise level asked for."""
    image: UInt8
    """``(height, width, 3)`` uint8: the current estimate of the clean picture."""
