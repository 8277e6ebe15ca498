"""What a container reader hands to the decoder: the bytes that the pixels need, and what was said beside them.

Metadata never reaches a decoder. Junk in it cannot cost the picture, bombs in it cannot go off, and no location in it
can leak into anything that is written.
"""

from dataclasses import dataclass

from pipeline.errors import ImageError

MAX_PIXELS = 24_000_000
MAX_SIDE = 65_535
ENDS_EARLY = "The file ends early, so the picture is incomplete."
GAIN_MAP = "The photo holds a gain map for HDR screens; the base picture is used."
SEVERAL = "The file holds several pictures; only the main one is used."


@dataclass(frozen=True)
class Cleaned:
    """A file without its metadata."""

    content: bytes
    size: tuple[int, int] | None = None
    """``(width, height)`` as stored, where the container says it cheaply."""
    orientation: int = 1
    """EXIF's 1 to 8."""
    profile: bytes | None = None
    """ICC profile of the pixels, where the decoder does not find one itself."""
    grey: bool = False
    """The pixels are grey whatever mode they are decoded to."""
    key: tuple[int, ...] | None = None
    """The transparent colour of 16-bit samples, one value a channel."""
    top: int | None = None
    """The sample value that stands for white, where it is not that of the decoded mode."""
    inverted: bool = False
    """Zero stands for white."""
    channels: int = 1
    """How many neighbouring columns make one pixel."""
    notes: tuple[str, ...] = ()


def damaged(detail: object) -> ImageError:
    """The one sentence for whatever a decoder says of a broken file."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(detail))[:160].strip(" .")
    return ImageError(f"The picture is damaged and cannot be decoded ({words or type(detail).__name__}).")


def check_size(width: int, height: int) -> None:
    """Raises `ImageError` for a picture that is empty or beyond `MAX_PIXELS` or `MAX_SIDE`."""
    if width < 1 or height < 1:
        raise damaged(f"it says to be {width} × {height} pixels")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageError(
            f"The picture has {width} × {height} pixels; the limit is {MAX_PIXELS // 10**6} megapixels "
            f"and {MAX_SIDE} pixels a side. Scale it down first."
        )
