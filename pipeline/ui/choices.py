"""What the page offers: example photographs, presets, and a view as the query of its address."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from pipeline.errors import SettingsError
from pipeline.settings import Decoder, DecodeSettings
from pipeline.ui.engine import RateControl
from pipeline.ui.view import Sides

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"
EXAMPLES = {
    Path(name).stem: _FOLDER / name
    for name in ("cat.png", "flower.jpg", "temple.jpg", "astronaut.png", "coffee.png", "rocket.jpg")
}
DEFAULTS = DecodeSettings()
RECOMMENDED_STEPS = {Decoder.DIFFUSION: DEFAULTS.num_inference_steps, Decoder.FLOW: 4}
MIN_BPP, MAX_BPP = 0.05, 1.0


@dataclass(frozen=True)
class Preset:
    """Rate and noise level that go together."""

    name: str
    bpp: float
    noise_level: float

    def matches(self, link: "Link") -> bool:
        return (link.rate, link.value, link.settings.noise_level) == ("bpp", self.bpp, self.noise_level)


PRESETS = (
    Preset("Faithful", 0.4, 0.3),
    Preset("Balanced", 0.2, DEFAULTS.noise_level),
    Preset("Realistic", 0.2, 0.7),
    Preset("Tiny", 0.08, 0.6),
)


@dataclass(frozen=True)
class Link:
    """Everything that makes a view of an example."""

    example: str = "cat"
    rate: RateControl = "bpp"
    value: float = 0.2
    """Bits per pixel or quality, as ``rate`` says."""
    settings: DecodeSettings = DEFAULTS
    sides: Sides = field(default_factory=Sides)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Link":
        """Reads an address; what is missing or impossible takes its default, so that every link opens."""
        rate = "quality" if "quality" in query else "bpp"
        low, high, usual = (0.0, 1.0, 0.5) if rate == "quality" else (MIN_BPP, MAX_BPP, cls.value)
        decoder = query.get("decoder", DEFAULTS.decoder)
        try:
            steps = RECOMMENDED_STEPS[Decoder(decoder)]
            settings = DecodeSettings(
                Decoder(decoder),
                int(_number(query, "steps", steps)),
                _number(query, "noise", DEFAULTS.noise_level),
                int(_number(query, "seed", DEFAULTS.seed)),
            )
        except (SettingsError, ValueError, KeyError):
            settings = DEFAULTS
        return cls(
            query["example"] if query.get("example") in EXAMPLES else cls.example,
            rate,
            min(max(_number(query, rate, usual), low), high),
            settings,
            Sides(query.get("left", Sides.left), query.get("right", Sides.right)),
        )

    def query(self) -> str:
        """The address of this view without its sides, from the question mark on."""
        fields = {
            "example": self.example,
            self.rate: f"{self.value:g}",
            "decoder": self.settings.decoder.value,
            "steps": self.settings.num_inference_steps,
            "noise": f"{self.settings.noise_level:g}",
            "seed": self.settings.seed,
        }
        return f"?{urlencode(fields)}"


def example_name(photo: bytes) -> str | None:
    """The example whose file this is."""
    return next((name for name in EXAMPLES if example_bytes(name) == photo), None)


@cache
def example_bytes(name: str) -> bytes:
    """The file of an example."""
    return EXAMPLES[name].read_bytes()


def _number(query: Mapping[str, str], name: str, default: float) -> float:
    try:
        number = float(query.get(name, default))
    except ValueError:
        return default
    return number if math.isfinite(number) else default
