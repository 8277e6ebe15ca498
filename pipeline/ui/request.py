"""What the controls ask for: a photo at a rate, and how its stream is painted."""

import secrets
from dataclasses import dataclass

from pipeline.settings import MAX_SEED, Decoder, DecodeSettings
from pipeline.ui.choices import EXAMPLES, Link
from pipeline.ui.engine import RateControl


@dataclass(frozen=True)
class Request:
    """A photo to compress and paint."""

    photo: str | None
    """A picture file."""
    rate: RateControl
    value: float
    """Bits per pixel or quality, as ``rate`` says."""
    settings: DecodeSettings

    @classmethod
    def of_controls(
        cls,
        photo: str | None,
        rate: RateControl,
        bpp: float,
        quality: float,
        ultralow: float,
        decoder: str,
        steps: int,
        noise: float,
        seed: int | None,
    ) -> "Request":
        """Of the three rates the one in use counts."""
        value = {"bpp": bpp, "quality": quality, "ultralow": ultralow}[rate]
        return cls(photo, rate, value, decode_settings(decoder, steps, noise, seed))

    @classmethod
    def of_link(cls, link: Link) -> "Request":
        return cls(str(EXAMPLES[link.example]), link.rate, link.value, link.settings)


def draw_seed() -> int:
    """A random seed."""
    return secrets.randbelow(MAX_SEED + 1)


def decode_settings(decoder: str, steps: int, noise: float, seed: int | None) -> DecodeSettings:
    """What the decoder's controls say; an empty seed is drawn."""
    return DecodeSettings(Decoder(decoder), int(steps), noise, draw_seed() if seed is None else int(seed))
