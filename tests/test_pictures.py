"""Every kind of picture file becomes what a browser shows, and nothing that was said beside its pixels survives."""

import io
import struct
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.codec import Codec
from pipeline.errors import ImageError
from pipeline.images import image_size, load_image, read_picture, save_png
from pipeline.pictures import PICTURE_SUFFIXES, formats, reading
from pipeline.pictures.exif import upright
from tests.picture_cases import (
    ORIENTED,
    Case,
    cases,
    chunk,
    corner_picture,
    encoded,
    exif,
    plain,
    rgb_profile,
    tiff,
    warm_png,
    with_segment,
)

_SECRET = b"51.4779N,0.0015W"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_kinds(case: Case) -> None:
    if case.colour is None:
        with pytest.raises(ImageError, match=r"^The .*\.$"):
            read_picture(case.content)
        return
    picture = read_picture(case.content)
    assert picture.image.mode == "RGB" and picture.image.info == {}
    assert picture.notes == case.notes
    median = np.median(np.asarray(picture.image).reshape(-1, 3), axis=0)
    np.testing.assert_allclose(median, case.colour, atol=2)
    width, height = image_size(case.content)
    assert {width, height} == set(picture.image.size)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ORIENTED)
def test_orientations(name: str, orientation: int) -> None:
    content = ORIENTED[name](corner_picture(), exif(orientation))
    loaded, wanted = load_image(content), upright(corner_picture(), orientation)
    assert loaded.size == wanted.size
    assert np.abs(np.asarray(loaded, int) - np.asarray(wanted, int)).mean() < 12


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_in_either_byte_order(order: str) -> None:
    assert load_image(warm_png(chunk(b"eXIf", exif(6, order=order)))).size == (20, 22)


def test_orientation_behind_the_pixels() -> None:
    assert load_image(warm_png(after=chunk(b"eXIf", exif(6)))).size == (20, 22)


def _with_location() -> dict[str, bytes]:
    data = exif(1, (0x8825, 4, 1, b"\x26\0\0\0")) + _SECRET
    jpeg = encoded(plain(), "JPEG", exif=b"Exif\0\0" + data, comment=_SECRET)
    text = chunk(b"tEXt", b"where\0" + _SECRET)
    return {
        "JPEG": with_segment(jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _SECRET),
        "PNG": warm_png(
            text, chunk(b"eXIf", data), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _SECRET), after=text
        ),
        "WEBP": encoded(plain(), "WEBP", exif=data, xmp=_SECRET),
        "AVIF": encoded(plain(), "AVIF", exif=data, xmp=_SECRET),
        "HEIF": encoded(plain(), "HEIF", exif=data, xmp=_SECRET),
        "JXL": encoded(plain(), "JXL", exif=data, xmp=_SECRET, use_container=True),
        "TIFF": tiff(np.full((20, 22), 60, "u1"), 1, 1, t700=tuple(np.frombuffer(_SECRET, "<u4").tolist())),
        "GIF": encoded(plain(), "GIF", comment=_SECRET),
    }


@pytest.mark.parametrize("name", _with_location())
def test_no_location_is_written(name: str, tmp_path: Path) -> None:
    content = _with_location()[name]
    assert _SECRET in content
    image = load_image(content)
    assert image.info == {}
    save_png(image, tmp_path / "out.png")
    written = (tmp_path / "out.png").read_bytes()
    assert _SECRET not in written
    assert not {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"iCCP"} & {written[at : at + 4] for at in range(len(written))}


def test_no_location_is_streamed(codec: Codec) -> None:
    image = load_image(_with_location()["JPEG"])
    stream = codec.encode(image, quality=0.2)
    assert _SECRET not in stream
    assert stream == codec.encode(Image.fromarray(np.asarray(image)), quality=0.2)


def test_profile_is_applied_not_kept() -> None:
    profile = rgb_profile(((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)))
    image = load_image(encoded(plain(), icc_profile=profile))
    assert "icc_profile" not in Image.open(io.BytesIO(encoded(image))).info


@pytest.mark.parametrize(("name", "package"), [("_HAS_HEIF", "pillow-heif"), ("_HAS_JXL", "pillow-jxl-plugin")])
def test_missing_plugin_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(plain(), "HEIF" if package == "pillow-heif" else "JXL")
    monkeypatch.setattr(formats, name, False)
    with pytest.raises(ImageError, match=f"needs the package {package}, which is not installed"):
        read_picture(content)


def test_panics_and_lack_of_memory_are_typed_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As decoders written in Rust raise it."""

    for raised, words in ((PanicException("index\nout of range"), "damaged"), (MemoryError(), "more memory")):
        monkeypatch.setattr(Image, "open", lambda *_, raised=raised, **__: (_ for _ in ()).throw(raised))
        with pytest.raises(ImageError, match=words):
            read_picture(warm_png())
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        read_picture(warm_png())


def test_files_are_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 50)
    path = tmp_path / "photo.png"
    path.write_bytes(warm_png())
    with pytest.raises(ImageError, match="larger than"):
        read_picture(path)


def _memory_of_refusing(content: bytes) -> int:
    """Bytes at the peak, while a file is read and refused."""
    tracemalloc.start()
    try:
        with pytest.raises(ImageError):
            read_picture(content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_header_of_spaces_takes_no_more_memory_than_its_bytes() -> None:
    assert _memory_of_refusing(b"P5" + b" " * 1_000_000) < 10_000_000


def test_samples_of_absurdly_many_bits_are_refused_at_once() -> None:
    bits = struct.pack("<HHQQ", 258, 16, 1, 2**28)
    size = b"".join(struct.pack("<HHQQ", tag, 16, 1, 8) for tag in (256, 257))
    assert _memory_of_refusing(b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 3) + size + bits + bytes(8)) < 1_000_000


def test_junk_behind_numbers_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_image(b"P2 2 1 255\n7 8 junk").getpixel((1, 0)) == (8, 8, 8)


@pytest.mark.parametrize("path", ["", "a\0b", "."])
def test_names_that_are_no_files(path: str) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_picture(path)


def test_suffixes_are_lower_case_endings() -> None:
    assert {".jpg", ".png", ".heic", ".jxl", ".avif", ".webp", ".tif", ".gif"} <= set(PICTURE_SUFFIXES)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in PICTURE_SUFFIXES)
