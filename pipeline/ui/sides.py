"""What the page can put left and right of each other."""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Its value is its name on the page and in links."""

    ORIGINAL = "Original"
    AUTOENCODER = "Autoencoder"
    GRAIN = "Grain"
    REPAINT = "Repaint"
    OTHER = "Other decoder"
    SAMPLE = "Another sample"
    JPEG = "JPEG"
    WEBP = "WebP"
    AVIF = "AVIF"
    ERROR = "Error map"
    ULTRALOW = "Ultra-low"
    JXL = "JPEG XL"


KEYS = dict(zip("1234567890UX", Side, strict=True))
"""The key that chooses each side."""
PLAIN = {Side.JPEG: "jpeg", Side.WEBP: "webp", Side.AVIF: "avif", Side.JXL: "jxl"}
"""Conventional codecs, as `pipeline.comparison.baselines.PLAIN_CODECS` calls them."""
METHODS = (Side.AUTOENCODER, Side.GRAIN, Side.REPAINT, Side.OTHER, Side.SAMPLE, *PLAIN, Side.ULTRALOW)
"""The sides that are pictures of the original and can be measured, in the order of the table."""
NEED_ORIGINAL = (Side.ORIGINAL, Side.GRAIN, *PLAIN, Side.ERROR, Side.ULTRALOW)


@dataclass
class Sides:
    """What stands left and right. Kept in the session's state, where a running decode sees it change."""

    left: Side = Side.AVIF
    right: Side = Side.REPAINT
    overlay: bool = False
    """Whether the quality map lies over both."""

    def choose(self, left: str, right: str, overlay: bool) -> bool:
        """Takes over what the page shows as chosen; whether left or right is another one."""
        before, chosen = (self.left, self.right), Sides.named(left, right)
        self.left, self.right, self.overlay = chosen.left, chosen.right, overlay
        return (chosen.left, chosen.right) != before

    @classmethod
    def named(cls, left: str, right: str) -> "Sides":
        """The sides of these names; one that does not exist takes its default."""
        names = set(Side)
        return cls(Side(left) if left in names else cls.left, Side(right) if right in names else cls.right)
