"""Every method of the catalogue on one subject, whose codec is a stand-in without networks."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pipeline.comparison import CodecSubject
from pipeline.comparison.catalogue import (
    ULTRALOW_BPP,
    adaptive,
    autoencoder,
    coarse,
    grain,
    matched_grain,
    plain,
    plain_grained,
    plain_smaller,
    repaint,
    sent_grain,
    side_by_side,
    ultralow,
)
from pipeline.errors import ImageError
from pipeline.metrics import psnr
from pipeline.settings import EVEN, Allocation, Decoder, DecodeSettings, DecodeStep, QualityMapKind, SystemName
from pipeline.stream import GRAIN_STEPS, bits_per_pixel, pack
from tests.conftest import synthetic_picture

DIFFUSION, FLOW = DecodeSettings(Decoder.DIFFUSION, 3, 0.5, 11), DecodeSettings(Decoder.FLOW, 1, 0.5, 11)
STREAM = pack("autoencoder", "00000000", 96, 64, 100, 2 * GRAIN_STEPS, bytes(2000))


class BlurringCodec:
    """Reconstructs a blurred picture, paints noise on it, and keeps count of both."""

    def __init__(self, image: Image.Image):
        self.blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(1)))
        self.reconstructions = 0
        self.decoded: list[DecodeSettings] = []
        self.encoded: list[tuple[float, SystemName, Allocation]] = []

    def reconstruct(self, stream: bytes) -> np.ndarray:
        self.reconstructions += 1
        return self.blurred

    def decode(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        self.decoded.append(settings)
        painted = self.blurred ^ np.uint8(5)
        for step in range(settings.num_inference_steps + 1):
            yield DecodeStep(step, settings.num_inference_steps, 0.0, painted if step else self.blurred)

    def encode(self, image: Image.Image, *, bpp: float, codec: SystemName, allocation: Allocation) -> bytes:
        self.encoded.append((bpp, codec, allocation))
        return bytes(int(bpp * image.width * image.height / 8))


@pytest.fixture
def codec() -> BlurringCodec:
    return BlurringCodec(synthetic_picture(96, 64))


@pytest.fixture
def subject(codec: BlurringCodec) -> CodecSubject:
    return CodecSubject(codec, np.asarray(synthetic_picture(96, 64)), STREAM)


def test_side_by_side_samples_each_repaint_once(codec: BlurringCodec, subject: CodecSubject) -> None:
    seen: list[DecodeStep] = []
    methods = side_by_side(DIFFUSION, FLOW)
    made = {method.family: method.run(subject, seen.append) for method in methods}
    assert list(made) == ["autoencoder", "matched grain", "diffusion", "flow", "jpeg", "webp", "avif", "jxl"]
    assert codec.decoded == [DIFFUSION, FLOW] and codec.reconstructions == 1
    assert [(step.step, step.total) for step in seen] == [(0, 3), (1, 3), (2, 3), (3, 3), (0, 1), (1, 1)]
    assert {(each.picture.shape, each.picture.dtype.name) for each in made.values()} == {((64, 96, 3), "uint8")}
    assert all(made[family].bytes == len(STREAM) for family in ("autoencoder", "matched grain", "diffusion", "flow"))
    assert all(0 < made[family].bytes <= len(STREAM) for family in ("jpeg", "webp", "avif", "jxl"))
    painted, control = (psnr(subject.original, made[family].picture) for family in ("diffusion", "matched grain"))
    assert control == pytest.approx(painted, abs=0.05)


def test_labels_say_what_was_chosen_for_the_picture(subject: CodecSubject) -> None:
    assert autoencoder().run(subject).label == "Autoencoder" and coarse().run(subject).label == "Coarse picture"
    assert repaint(DIFFUSION).run(subject).label == "Diffusion, 3 steps, noise 0.5"
    assert repaint(FLOW).run(subject).label == "Rectified flow, 1 step, noise 0.5"
    assert matched_grain(DIFFUSION).run(subject).label.startswith("Grain control, σ ")
    assert plain("jpeg").run(subject).label.startswith("JPEG (optimised tables), quality ")
    tight = CodecSubject(subject._codec, subject.original, budget=10)
    assert plain("webp").run(tight).label == "WebP (method 6), quality 0, its smallest"


def test_grain_is_as_strong_as_asked_or_as_the_header_says(codec: BlurringCodec, subject: CodecSubject) -> None:
    for method, sigma in ((grain(3), 3), (sent_grain(2), 4)):
        noise = method.run(subject).picture.astype(float) - codec.blurred
        assert noise.std() == pytest.approx(sigma, rel=0.05)


def test_a_plain_codec_with_grain_is_its_picture_and_noise(subject: CodecSubject) -> None:
    clean, grained = (method.run(subject) for method in (plain("avif"), plain_grained("avif", 3)))
    assert grained.bytes == clean.bytes
    assert (grained.picture.astype(float) - clean.picture).std() == pytest.approx(3, rel=0.05)


def test_the_ultralow_stream_is_no_larger_and_within_its_range(codec: BlurringCodec, subject: CodecSubject) -> None:
    made = ultralow().run(subject)
    assert codec.encoded == [(ULTRALOW_BPP[1], SystemName.ULTRALOW, EVEN)]
    assert made.bytes == int(ULTRALOW_BPP[1] * 96 * 64 / 8) and made.label == "Ultra-low codec, 1 step"


def test_the_adaptive_map_has_no_more_bits(codec: BlurringCodec, subject: CodecSubject) -> None:
    made = adaptive().run(subject)
    assert codec.encoded == [(bits_per_pixel(STREAM), SystemName.STANDARD, Allocation(QualityMapKind.ADAPTIVE))]
    assert made.bytes <= len(STREAM) and made.label == "Autoencoder, adaptive map"


def test_conventional_codecs_need_no_stream(codec: BlurringCodec, subject: CodecSubject) -> None:
    alone = CodecSubject(codec, subject.original, budget=800)
    for method in (plain("avif"), plain_smaller("webp", 4)):
        assert not method.needs_stream and method.run(alone).bytes <= 800
    assert codec.reconstructions == 0 and not codec.decoded


def test_a_method_says_why_it_cannot_take_a_picture(codec: BlurringCodec) -> None:
    wide = CodecSubject(codec, np.zeros((1, 16_384, 3), np.uint8), budget=1000)
    with pytest.raises(ImageError, match="WebP cannot hold a picture of 16384 × 1 pixels; crop"):
        plain("webp").run(wide)
