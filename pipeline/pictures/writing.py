"""Pictures become PNG files."""

from pathlib import Path

from PIL import Image

from pipeline.arrays import UInt8
from pipeline.files import atomic_path


def save_png(picture: UInt8 | Image.Image, path: str | Path) -> None:
    """Writes ``(height, width, 3)`` uint8 or a Pillow picture as PNG, whole or not at all."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    with atomic_path(path) as partial:
        image.save(partial, format="PNG", compress_level=3)
