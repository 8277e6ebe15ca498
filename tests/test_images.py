"""Every kind of picture people upload becomes an upright RGB picture or a clear error."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline import images
from pipeline.errors import ImageError


def _encoded(image: Image.Image, name: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=name, **options)
    return buffer.getvalue()


def _huge_png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    end = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + zlib.crc32(chunk).to_bytes(4, "big") + end


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"just some text", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture|cannot be read|damaged"),
        (_huge_png(20_000, 10_000), "limit|too large"),
        (_huge_png(60_000, 60_000), "limit|too large"),
        (_huge_png(70_000, 10), "65535|limit"),
        (_encoded(Image.new("RGB", (64, 64), "red"))[:40], "damaged"),
    ],
    ids=["empty", "text", "no header", "200 MP", "bomb", "too wide", "cut off"],
)
def test_bad_files_get_a_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "upload.png"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(ImageError, match=words):
            images.load_image(source)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        images.load_image(tmp_path / "nothing.png")


def test_sixteen_bit_grey_keeps_its_tones() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    loaded = images.load_image(_encoded(Image.fromarray(ramp)))
    assert loaded.mode == "RGB"
    np.testing.assert_allclose(np.asarray(loaded)[..., 0], ramp / 257, atol=1)


def test_alpha_is_laid_on_white() -> None:
    picture = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert images.load_image(_encoded(picture)).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 255, 255, 0, 0])
    palette.putpixel((1, 1), 1)
    loaded = images.load_image(_encoded(palette, transparency=0))
    assert loaded.getpixel((0, 0)) == (255, 255, 255) and loaded.getpixel((1, 1)) == (255, 0, 0)


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    loaded = images.load_image(_encoded(Image.new("RGB", (8, 4), "green"), "JPEG", exif=exif))
    assert loaded.size == (4, 8)


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "LA"])
def test_other_modes(mode: str) -> None:
    name = "TIFF" if mode == "CMYK" else "PNG"
    assert images.load_image(_encoded(Image.new(mode, (5, 3)), name)).mode == "RGB"


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "blue")]
    data = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.load_image(data).getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(1, 1), (63, 65), (64, 128)])
def test_padding_replicates(size: tuple[int, int]) -> None:
    tensor = torch.rand(1, 3, *size)
    padded = images.pad(tensor, 64)
    assert padded.shape[2] % 64 == 0 and padded.shape[3] % 64 == 0
    assert torch.equal(padded[..., : size[0], : size[1]], tensor)
    assert torch.equal(padded[..., -1, -1], tensor[..., -1, -1])


def test_tensor_round_trip() -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(images.to_uint8(images.to_tensor(array)), array)
