"""What the controls ask for: a photo at a rate, and how its stream is painted."""

import secrets
from dataclasses import dataclass

from PIL import Image

from pipeline.errors import SettingsError
from pipeline.settings import (
    DEFAULT_SETTINGS,
    EVEN,
    MAX_SEED,
    Allocation,
    Decoder,
    DecodeSettings,
    QualityMapKind,
    SystemName,
)
from pipeline.ui.choices import DEFAULT_MAP, EXAMPLES, Link
from pipeline.ui.engine import RateControl

UNPAINTED = "Nothing is painted over the photo, so the bits go everywhere alike."


@dataclass(frozen=True)
class Request:
    """A photo to compress and paint."""

    photo: str | None
    """A picture file."""
    rate: RateControl
    value: float
    """Bits per pixel or quality, as ``rate`` says."""
    settings: DecodeSettings
    allocation: Allocation = EVEN
    notes: tuple[str, ...] = ()
    """What has to be said about the controls, in full sentences."""

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
        quality_map: str,
        mask: Image.Image | None,
    ) -> "Request":
        """Of the three rates the one in use counts; ``mask`` is in grey, black where nothing is painted.

        Raises:
            SettingsError: the ultra-low codec has no such decoder.
        """
        value = {"bpp": bpp, "quality": quality, "ultralow": ultralow}[rate]
        settings = decode_settings(decoder, steps, noise, seed)
        kind = QualityMapKind(quality_map)
        if rate == "ultralow":
            own = DEFAULT_SETTINGS[SystemName.ULTRALOW].decoder
            if settings.decoder is not own:
                raise SettingsError(f"The ultra-low codec has no decoder “{settings.decoder}”; choose {own}.")
            return cls(photo, rate, value, settings)
        if kind is not QualityMapKind.PAINTED:
            return cls(photo, rate, value, settings, Allocation(kind))
        if mask is None or mask.getbbox() is None:
            return cls(photo, rate, value, settings, notes=(UNPAINTED,))
        return cls(photo, rate, value, settings, Allocation(kind, mask))

    def query(self, example: str | None) -> str:
        """The address of what is made of an example, from the question mark on; empty for what no link can say."""
        kind = self.allocation.kind
        if example is None or kind is QualityMapKind.PAINTED:
            return ""
        quality_map = DEFAULT_MAP if self.rate == "ultralow" else kind
        return Link(example, self.rate, self.value, self.settings, quality_map=quality_map).query()

    @classmethod
    def of_link(cls, link: Link) -> "Request":
        return cls(str(EXAMPLES[link.example]), link.rate, link.value, link.settings, link.allocation)


def mask_of(photo: str | None, canvas: str | None, mask: Image.Image | None) -> Image.Image | None:
    """``mask``, unless it was painted over another photo: the editor that shows ``canvas`` changes after the photo."""
    return mask if canvas in (None, photo) else None


def draw_seed() -> int:
    """A random seed."""
    return secrets.randbelow(MAX_SEED + 1)


def decode_settings(decoder: str, steps: int, noise: float, seed: int | None) -> DecodeSettings:
    """What the decoder's controls say; an empty seed is drawn."""
    return DecodeSettings(Decoder(decoder), int(steps), noise, draw_seed() if seed is None else int(seed))
