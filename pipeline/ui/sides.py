"""What the page can put left and right of each other."""

from dataclasses import dataclass

ORIGINAL, AUTOENCODER, GRAIN, REPAINT, OTHER, SAMPLE, JPEG, WEBP, AVIF, ERROR, ULTRALOW, JXL = SIDES = (
    "Original",
    "Autoencoder",
    "Grain",
    "Repaint",
    "Other decoder",
    "Another sample",
    "JPEG",
    "WebP",
    "AVIF",
    "Error map",
    "Ultra-low",
    "JPEG XL",
)
KEYS = dict(zip("1234567890UX", SIDES, strict=True))
"""The key that chooses each side."""
PLAIN = {JPEG: "jpeg", WEBP: "webp", AVIF: "avif", JXL: "jxl"}
"""Conventional codecs, as `pipeline.comparison.baselines.PLAIN_CODECS` calls them."""
METHODS = (AUTOENCODER, GRAIN, REPAINT, OTHER, SAMPLE, *PLAIN, ULTRALOW)
"""The sides that are pictures of the original and can be measured, in the order of the table."""
NEED_ORIGINAL = (ORIGINAL, GRAIN, *PLAIN, ERROR, ULTRALOW)


@dataclass
class Sides:
    """What stands left and right. Kept in the session's state, where a running decode sees it change."""

    left: str = AUTOENCODER
    right: str = REPAINT

    def __post_init__(self) -> None:
        self.left = self.left if self.left in SIDES else AUTOENCODER
        self.right = self.right if self.right in SIDES else REPAINT
