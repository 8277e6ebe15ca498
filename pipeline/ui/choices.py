"""What the page offers: example photographs, presets, and a view as the query of its address."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from pipeline.errors import SettingsError
from pipeline.settings import (
    DEFAULT_ALLOCATIONS,
    DEFAULT_SETTINGS,
    EVEN,
    Allocation,
    Decoder,
    DecodeSettings,
    QualityMapKind,
    SystemName,
)
from pipeline.ui.engine import RateControl, codec_behind
from pipeline.ui.sides import Sides

EXAMPLES_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"
EXAMPLES = {
    Path(name).stem: EXAMPLES_FOLDER / name
    for name in ("cat.png", "flower.jpg", "temple.jpg", "astronaut.png", "coffee.png", "rocket.jpg")
}
DEFAULTS = DecodeSettings()
DEFAULT_MAP = DEFAULT_ALLOCATIONS[SystemName.STANDARD].kind
FLOW_STEPS = 2
RANGES: dict[RateControl, tuple[float, float, float]] = {
    "bpp": (0.05, 1.0, 0.12),
    "quality": (0.0, 1.0, 0.5),
    "ultralow": (0.005, 0.05, 0.02),
}
"""Least, most and usual value of each rate control."""
LINKED_MAPS = (QualityMapKind.EVEN, QualityMapKind.ADAPTIVE)


@dataclass(frozen=True)
class Preset:
    """Rate and noise level that go together."""

    name: str
    rate: RateControl
    value: float
    noise_level: float

    def matches(self, link: "Link") -> bool:
        return (link.rate, link.value, link.settings.noise_level) == (self.rate, self.value, self.noise_level)


PRESETS = (
    Preset("Faithful", "bpp", 0.4, 0.5),
    Preset("Balanced", "bpp", RANGES["bpp"][2], DEFAULTS.noise_level),
    Preset("Fine", "bpp", 0.25, DEFAULTS.noise_level),
    Preset("Tiny", "ultralow", 0.02, DEFAULT_SETTINGS[SystemName.ULTRALOW].noise_level),
)


def recommended(rate: RateControl, decoder: Decoder) -> DecodeSettings:
    """What a decoder does best with on the streams of a rate control; the ultra-low codec has one decoder only."""
    own = DEFAULT_SETTINGS[codec_behind(rate)]
    return (
        own
        if rate == "ultralow" or decoder == own.decoder
        else replace(own, decoder=decoder, num_inference_steps=FLOW_STEPS)
    )


@dataclass(frozen=True)
class Link:
    """Everything that makes a view of an example."""

    example: str = "flower"
    rate: RateControl = "bpp"
    value: float = RANGES["bpp"][2]
    """Bits per pixel or quality, as ``rate`` says."""
    settings: DecodeSettings = DEFAULTS
    sides: Sides = field(default_factory=Sides)
    quality_map: QualityMapKind = DEFAULT_MAP
    """Even or adaptive; nobody can link to a painting."""

    @property
    def allocation(self) -> Allocation:
        return EVEN if self.rate == "ultralow" else Allocation(self.quality_map)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Link":
        """Reads an address; what is missing or impossible takes its default, so that every link opens."""
        rate: RateControl = "quality" if "quality" in query else "ultralow" if "ultralow" in query else "bpp"
        low, high, usual = RANGES[rate]
        settings = DEFAULT_SETTINGS[codec_behind(rate)]
        with suppress(SettingsError, ValueError):
            usually = recommended(rate, Decoder(query.get("decoder", settings.decoder)))
            settings = DecodeSettings(
                usually.decoder,
                int(_number(query, "steps", usually.num_inference_steps)),
                _number(query, "noise", usually.noise_level),
                int(_number(query, "seed", usually.seed)),
            )
        return cls(
            query["example"] if query.get("example") in EXAMPLES else cls.example,
            rate,
            min(max(_number(query, rate, usual), low), high),
            settings,
            Sides.named(query.get("left", ""), query.get("right", "")),
            next((kind for kind in LINKED_MAPS if kind == query.get("map")), DEFAULT_MAP),
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
        } | ({} if self.quality_map is DEFAULT_MAP else {"map": self.quality_map.value})
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
