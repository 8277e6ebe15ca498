"""Pictures in and out: any file Pillow can open becomes an upright RGB picture, or a clear error."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from torch import Tensor

from pipeline.errors import ImageError
from pipeline.files import atomic_path as atomic_path

MAX_PIXELS = 24_000_000
MAX_SIDE = 65_535
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "PPM")

Source = str | Path | bytes


@contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    """The picture, header read and size checked, pixels not yet decoded."""
    try:
        if (not isinstance(source, bytes) and os.path.getsize(source) == 0) or source == b"":
            raise ImageError("The file is empty; choose a picture such as a PNG or JPEG.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_FORMATS)
    except UnidentifiedImageError:
        raise ImageError("The file is not a picture Bitbrush can read; use PNG, JPEG, WebP, AVIF or TIFF.") from None
    except Image.DecompressionBombError:
        raise ImageError(f"The picture is too large; the limit is {MAX_PIXELS // 10**6} megapixels.") from None
    except OSError as error:
        raise ImageError(f"The file cannot be read: {error.strerror or error}.") from None
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise ImageError(
                f"The picture has {width} × {height} pixels; the limit is {MAX_PIXELS // 10**6} megapixels "
                f"and {MAX_SIDE} pixels a side. Scale it down first."
            )
        yield image


def image_size(source: Source) -> tuple[int, int]:
    """``(width, height)`` as stored, from the header alone.

    Raises:
        ImageError: not a picture, or larger than `MAX_PIXELS`.
    """
    with _opened(source) as image:
        return image.size


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scales the 16-bit and float modes of Pillow to 8-bit grey."""
    values = np.asarray(image).astype(np.float64)
    # Mode "I" holds 16-bit greys of PNG files; anything beyond is scaled by its own maximum.
    top = 65_535.0 if image.mode != "F" else 1.0
    top = max(top, float(values.max(initial=0.0)))
    return Image.fromarray(np.clip(np.round(values * (255 / top)), 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image) -> Image.Image:
    """Converts an embedded colour profile to sRGB; a broken profile is ignored."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image


def load_image(source: Source) -> Image.Image:
    """The first frame as an upright 8-bit sRGB picture; transparency is laid on white.

    Args:
        source: path or content of a PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP or PPM file.

    Raises:
        ImageError: empty, not a picture, damaged, or larger than `MAX_PIXELS`.
    """
    with _opened(source) as image:
        try:
            image.seek(0)
            image.load()
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I") or image.mode == "F":
                return _to_8_bit(image).convert("RGB")
            if image.has_transparency_data:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                return Image.alpha_composite(white, image).convert("RGB")
            return _to_srgb(image).convert("RGB")
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise ImageError(f"The picture is damaged and cannot be decoded ({error}).") from None


def save_png(picture: np.ndarray | Image.Image, path: str | Path) -> None:
    """Writes ``(height, width, 3)`` uint8 or a Pillow picture as PNG, whole or not at all."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    with atomic_path(path) as partial:
        image.save(partial, format="PNG", compress_level=3)


def to_tensor(image: Image.Image | np.ndarray) -> Tensor:
    """RGB picture => ``(1, 3, height, width)`` float32 in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().div_(255)


def to_uint8(tensor: Tensor) -> np.ndarray:
    """``(1, 3, height, width)`` in [0, 1] (clipped) => ``(height, width, 3)`` uint8."""
    return tensor[0].float().clamp(0, 1).mul_(255).round_().byte().permute(1, 2, 0).contiguous().cpu().numpy()


def padded_size(width: int, height: int, multiple: int) -> tuple[int, int]:
    """``(width, height)`` rounded up to multiples."""
    return -(-width // multiple) * multiple, -(-height // multiple) * multiple


def pad(image: Tensor, multiple: int) -> Tensor:
    """Replicates the last row and column until both sides are multiples of ``multiple``."""
    height, width = image.shape[-2:]
    new_width, new_height = padded_size(width, height, multiple)
    return F.pad(image, (0, new_width - width, 0, new_height - height), mode="replicate")
