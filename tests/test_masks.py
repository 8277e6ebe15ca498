"""The mask's editor on the page: what it shows, what comes of what it and programs send."""

from io import BytesIO
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio.components.image_editor import EditorDataBlobs
from PIL import Image, ImageDraw

from pipeline.settings import EVEN, Allocation, QualityMapKind
from pipeline.ui import masks, updates
from pipeline.ui.masks import PREVIEW_SIDE, MaskInput, UploadedMask, preview
from pipeline.ui.request import UNPAINTED, Request

CONTROLS = ("photo.png", "bpp", 0.2, 0.5, 0.02, "flow", 1, 0.4, 5)


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def editor() -> MaskInput:
    with gr.Blocks():
        return MaskInput(label="Mask")


def layer(*boxes: tuple[int, int, int, int], opacity: int = 140) -> bytes:
    """A transparent PNG of 64 × 48 pixels, painted in these boxes."""
    image = Image.new("RGBA", (64, 48))
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=(255, 140, 0, opacity))
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def sent(editor: MaskInput, *layers: bytes) -> Image.Image | None:
    editor.blob_storage["one"] = EditorDataBlobs(background=b"", layers=list(layers), composite=None)
    return editor.preprocess(UploadedMask(id="one"))


def test_what_is_painted_is_white(editor: MaskInput) -> None:
    mask = sent(editor, layer((8, 8, 23, 15)))
    assert mask.mode == "L" and mask.size == (64, 48)
    assert np.asarray(mask)[8:16, 8:24].min() == 255 and np.count_nonzero(np.asarray(mask)) == 8 * 16


def test_layers_add_up(editor: MaskInput) -> None:
    mask = sent(editor, layer((0, 0, 7, 7)), layer((8, 0, 15, 7)), layer((16, 0, 23, 7)))
    assert np.count_nonzero(np.asarray(mask)) == 8 * 24


def test_files_of_layers_are_painted_too(editor: MaskInput, uploads: Path) -> None:
    path = uploads / "layer_0.png"
    path.write_bytes(layer((8, 8, 23, 15)))
    file = {"path": str(path)}
    mask = editor.preprocess(UploadedMask.model_validate({"background": None, "layers": [file], "composite": file}))
    assert np.count_nonzero(np.asarray(mask)) == 8 * 16


def test_what_is_hardly_there_is_not_painted(editor: MaskInput) -> None:
    assert sent(editor, layer((8, 8, 23, 15), opacity=20)).getbbox() is None


def test_nothing_sent_is_no_mask(editor: MaskInput) -> None:
    assert editor.preprocess(None) is None
    assert editor.preprocess(UploadedMask(id="unknown")) is None
    assert sent(editor) is None


def test_no_picture_gets_a_sentence(editor: MaskInput) -> None:
    with pytest.raises(gr.Error, match="not a picture"):
        sent(editor, b"words")


def test_a_picture_file_is_a_mask(editor: MaskInput, uploads: Path) -> None:
    path = uploads / "mask.png"
    Image.linear_gradient("L").save(path)
    mask = editor.preprocess(UploadedMask.model_validate({"path": str(path)}))
    np.testing.assert_array_equal(np.asarray(mask), np.asarray(Image.linear_gradient("L")))


def test_a_file_that_nobody_uploaded_is_refused(editor: MaskInput) -> None:
    elsewhere = str(Path(__file__).parent.parent / "assets" / "screenshot.png")
    with pytest.raises(gr.Error, match="must be an uploaded picture"):
        editor.preprocess(UploadedMask.model_validate({"path": elsewhere}))


@pytest.mark.parametrize("value", [5, "abc", [1]])
def test_what_is_no_file_is_refused(value: object) -> None:
    with pytest.raises(gr.Error, match="must be an uploaded picture"):
        UploadedMask.model_validate(value)


def test_paintings_that_no_run_takes_are_forgotten(editor: MaskInput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "_BYTES_KEPT", 100)
    for name in "abc":
        editor.blob_storage[name] = EditorDataBlobs(background=bytes(40), layers=[], composite=None)
    assert list(editor.blob_storage) == ["b", "c"]


def test_the_editor_gets_a_small_copy_of_the_photo(uploads: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((4000, 3000)).save(uploads / "photo.jpg")
    shown = Path(preview(str(uploads / "photo.jpg")))
    assert Image.open(shown).size == (PREVIEW_SIDE, PREVIEW_SIDE * 3 // 4) and shown.stat().st_size < 200_000
    assert preview(None) is None and preview(__file__) is None


def test_the_editor_is_seen_where_it_counts_and_keeps_its_painting(uploads: Path) -> None:
    photo = str(uploads / "photo.png")
    Image.new("RGB", (64, 48)).save(photo)
    hidden = updates.canvas("bpp", "adaptive", photo, None)
    assert hidden.quality_map["visible"] and hidden.mask["visible"] is False and hidden.canvas == gr.skip()
    first = updates.canvas("bpp", "painted", photo, None)
    assert first.mask["visible"] and first.mask["value"].endswith("photo.jpg") and first.canvas == photo
    again = updates.canvas("quality", "painted", photo, photo)
    converted = updates.canvas("bpp", "painted", "photo.png", photo, {"photo": photo, "shown": "photo.png"})
    assert "value" not in converted.mask and converted.canvas == "photo.png"
    assert again.mask["visible"] and "value" not in again.mask
    ultralow = updates.canvas("ultralow", "painted", photo, photo)
    assert not ultralow.quality_map["visible"] and ultralow.mask["visible"] == "hidden"


def test_the_controls_say_where_the_bits_go() -> None:
    mask = Image.new("L", (8, 8), 255)
    assert Request.of_controls(*CONTROLS, "even", mask).allocation == EVEN
    assert Request.of_controls(*CONTROLS, "adaptive", None).allocation == Allocation(QualityMapKind.ADAPTIVE)
    assert Request.of_controls(*CONTROLS, "painted", mask).allocation.mask is mask
    ultralow = CONTROLS[0], "ultralow", *CONTROLS[2:5], "diffusion", *CONTROLS[6:]
    assert Request.of_controls(*ultralow, "painted", mask).allocation == EVEN


@pytest.mark.parametrize("mask", [None, Image.new("L", (8, 8))])
def test_an_empty_painting_is_an_even_map_and_said(mask: Image.Image | None) -> None:
    request = Request.of_controls(*CONTROLS, "painted", mask)
    assert request.allocation == EVEN and request.notes == (UNPAINTED,)


def test_paintings_have_no_link() -> None:
    mask = Image.new("L", (8, 8), 255)
    assert Request.of_controls(*CONTROLS, "painted", mask).query("cat") == ""
    assert Request.of_controls(*CONTROLS, "even", None).query(None) == ""
    assert Request.of_controls(*CONTROLS, "even", None).query("cat") != ""
