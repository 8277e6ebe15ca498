"""Every colour space becomes sRGB, as browsers show it."""

import io
from typing import cast

import numpy as np
from PIL import Image, ImageCms

from pipeline.arrays import UInt8, UInt16

_GREY_MODES = ("1", "L")
_PROBE = np.stack(np.meshgrid(*[np.linspace(0, 255, 9).astype(np.uint8)] * 3), -1).reshape(27, 27, 3)
_TONES = np.arange(65_536, dtype=np.uint16).reshape(256, 256)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture without transparency as RGB; a profile that is broken or of another colour space is ignored."""
    if image.mode == "LAB":
        return _converted(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if not profile:
        return image.convert("RGB")
    found = space(profile)
    if found == "CMYK" and image.mode == "CMYK":
        return _converted(image, _opened(profile))
    if found == "GRAY" and image.mode in _GREY_MODES:
        return _converted(image.convert("L"), _opened(profile))
    if found == "RGB" and image.mode != "CMYK":
        rgb = image.convert("RGB")
        return rgb if _is_srgb(profile) else _converted(rgb, _opened(profile))
    return image.convert("RGB")


def grey_to_srgb(tones: UInt16, profile: bytes | None) -> Image.Image:
    """``(height, width)`` uint16 of grey => RGB, exact in the dark tones that 8 bits would merge."""
    if profile and space(profile) == "GRAY":
        table = _converted(Image.fromarray(_TONES), _opened(profile)).getchannel("R")
        return Image.fromarray(np.asarray(table).ravel()[tones]).convert("RGB")
    return to_srgb(Image.fromarray(to_8_bit(tones)), profile)


def to_8_bit(tones: UInt16) -> UInt8:
    """uint16 => uint8, rounded."""
    table = ((np.arange(65_536, dtype=np.uint32) + 128) // 257).astype(np.uint8)
    return table[tones]


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def space(profile: bytes) -> str | None:
    """``"RGB"``, ``"GRAY"``, ``"CMYK"`` or another colour space of an ICC profile; None for a broken one."""
    try:
        return str(_opened(profile).profile.xcolor_space).strip()
    except (ImageCms.PyCMSError, OSError):
        return None


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        return cast(
            Image.Image, ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        )
    except (ImageCms.PyCMSError, ValueError):
        return Image.fromarray(_TONES >> 8).convert("RGB") if image.mode == "I;16" else image.convert("RGB")


def _is_srgb(profile: bytes) -> bool:
    """Whether converting changes no colour by more than rounding does."""
    shown = np.asarray(_converted(Image.fromarray(_PROBE), _opened(profile)), dtype=np.int16)
    return bool(np.abs(shown - _PROBE).max() <= 1)
