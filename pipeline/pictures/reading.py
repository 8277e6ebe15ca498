"""A picture file becomes an upright sRGB picture and what has to be said about it, or one clear error."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image, ImageFile, UnidentifiedImageError

from pipeline.errors import ImageError
from pipeline.pictures import colour, tiff, tones
from pipeline.pictures.cleaned import MAX_PIXELS, SEVERAL, Cleaned, check_size, damaged
from pipeline.pictures.exif import orientation, upright
from pipeline.pictures.formats import Format, identify
from pipeline.pictures.png import ANIMATED

Source = str | Path | bytes
MAX_BYTES = 300_000_000
"""Of a file: 24 megapixels of 96 bits fit."""


@dataclass(frozen=True)
class Picture:
    """What `read_picture` makes of a file."""

    image: Image.Image
    """Upright, 8-bit sRGB, without metadata."""
    notes: tuple[str, ...] = ()
    """Full sentences for the user: what is missing in the picture, or was left out of the file."""


def read_picture(source: Source) -> Picture:
    """The first picture of a file as browsers show it, transparency laid on white.

    Args:
        source: path or content of a PNG, JPEG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF, BMP, PPM or PFM file.

    Raises:
        ImageError: empty, not a picture, damaged, its decoder is missing, or larger than `MAX_PIXELS`.
    """
    with _one_error():
        cleaned, kind = _cleaned(_content(source))
        try:
            return _decoded(cleaned, kind.name)
        except OSError:
            if kind.repaired is None:
                raise
        return _decoded(kind.repaired(cleaned), kind.name)


def load_image(source: Source) -> Image.Image:
    """`read_picture` without its notes."""
    return read_picture(source).image


def image_size(source: Source) -> tuple[int, int]:
    """``(width, height)`` as stored, from the header alone.

    Raises:
        ImageError: as `read_picture`, as far as the header tells.
    """
    with _one_error():
        cleaned, kind = _cleaned(_content(source))
        if cleaned.size is not None:
            return cleaned.size
        with _opened(cleaned, kind.name) as image:
            return image.size


def _content(source: Source) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            with open(source, "rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ImageError(f"The file cannot be read: {error.strerror or error}.") from None
        except ValueError as error:
            raise ImageError(f"The file cannot be read: {error}.") from None
    if not content:
        raise ImageError("The file is empty; choose a picture such as a PNG or JPEG.")
    if len(content) > MAX_BYTES:
        raise ImageError(f"The file is larger than {MAX_BYTES // 10**6} MB; scale the picture down first.")
    return content


@contextmanager
def _one_error() -> Iterator[None]:
    """Turns whatever a decoder raises into one `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"The picture is too large; the limit is {MAX_PIXELS // 10**6} megapixels.") from None
    except UnidentifiedImageError:
        raise damaged("its decoder does not know this kind of picture; save it as an 8-bit PNG") from None
    except MemoryError:
        raise ImageError("The picture needs more memory than there is; scale it down first.") from None
    except Exception as error:
        raise damaged(error) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what decoders written in Rust raise
            raise
        raise damaged(error) from None


@contextmanager
def _opened(cleaned: Cleaned, name: str) -> Iterator[ImageFile.ImageFile]:
    """The picture, its size checked, its pixels not decoded yet except for JPEG XL's."""
    with Image.open(io.BytesIO(cleaned.content), formats=(name,)) as image:
        if cleaned.channels == 1:
            check_size(*image.size)
        if name == "TIFF":
            tiff.swap_once(image)
        yield image


def _cleaned(content: bytes) -> tuple[Cleaned, Format]:
    """A file without its metadata, its size checked where it is known, and its format."""
    kind = identify(content)
    cleaned = kind.clean(content)
    if cleaned.size is not None:
        check_size(*cleaned.size)
    return cleaned, kind


def _decoded(cleaned: Cleaned, name: str) -> Picture:
    with _opened(cleaned, name) as image:
        image.load()
        turn = cleaned.orientation if cleaned.orientation > 1 else orientation(image.info.get("exif"))
        result = upright(_to_rgb(image, cleaned), turn)
        result.info.clear()
        return Picture(result, cleaned.notes + _frames_note(image))


def _frames_note(image: Image.Image) -> tuple[str, ...]:
    try:
        several = getattr(image, "is_animated", False)
    except Exception:  # a later frame is damaged
        several = True
    return ((SEVERAL if image.format == "HEIF" else ANIMATED),) if several else ()


def _to_rgb(image: Image.Image, cleaned: Cleaned) -> Image.Image:
    profile = image.info.get("icc_profile") or cleaned.profile
    profile = profile if isinstance(profile, bytes) else None
    if tones.is_deep(image):
        return _deep_to_rgb(image, cleaned, profile)
    alpha = None
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        image = image.convert("L" if image.mode in ("L", "LA", "La") else "RGBA")
    elif cleaned.key:
        alpha = _unlike_key(image, cleaned, cleaned.key)
    elif isinstance(image, GifImagePlugin.GifImageFile):
        alpha = Image.new("L", image.size)
        alpha.paste(255, image.dispose_extent)
    if cleaned.grey and image.mode in ("RGB", "RGBA"):
        image = image.getchannel("R")
    return _on_white(colour.to_srgb(image.convert("RGB") if image.mode == "RGBA" else image, profile), alpha)


def _deep_to_rgb(image: Image.Image, cleaned: Cleaned, profile: bytes | None) -> Image.Image:
    deep = tones.to_16_bit(image, cleaned.top, cleaned.inverted)
    if cleaned.channels > 1:
        pixels = colour.to_8_bit(deep).reshape(image.height, -1, cleaned.channels)
        return colour.to_srgb(Image.fromarray(pixels), profile)
    alpha = None if cleaned.key is None else Image.fromarray(255 * (deep != cleaned.key[0]).astype(np.uint8))
    return _on_white(colour.grey_to_srgb(deep, profile), alpha)


def _unlike_key(image: Image.Image, cleaned: Cleaned, key: tuple[int, ...]) -> Image.Image:
    """Alpha of an RGB picture of 16-bit samples, of which Pillow keeps the upper bytes: the lower are read as well."""
    with _opened(cleaned, "PNG") as lower:
        lower.tile = [tile._replace(args="RGB;16L") for tile in lower.tile]
        lower.load()
        unlike = np.zeros((image.height, image.width), bool)
        for part, shift in ((image, 8), (lower, 0)):
            for channel, value in enumerate(key):
                unlike |= np.asarray(part.getchannel(channel)) != (value >> shift & 255)
    return Image.fromarray(255 * unlike.astype(np.uint8))


def _on_white(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    if alpha is None or alpha.getextrema() == (255, 255):
        return image
    return Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
