"""The shipped checkpoints: real streams, quality floors, determinism, odd sizes."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.autoencoder import QualityMap
from pipeline.codec import CHECKPOINTS, Codec
from pipeline.errors import BitbrushError, ImageError, SettingsError, StreamError
from pipeline.evaluation.robustness import refused_damage
from pipeline.images import load_image, to_tensor
from pipeline.metrics import psnr
from pipeline.settings import EVEN, Allocation, Decoder, DecodeSettings, QualityMapKind, SystemName
from pipeline.stream import QUALITY_STEPS, bits_per_pixel, has_map, pack, read_header, unpack
from tests.conftest import synthetic_picture

PAINTERS = [Decoder.DIFFUSION, Decoder.FLOW]
ADAPTIVE = Allocation(QualityMapKind.ADAPTIVE)


def painted_by(mask: Image.Image) -> Allocation:
    return Allocation(QualityMapKind.PAINTED, mask)


def _crop(path: Path, size: int = 192) -> Image.Image:
    image = load_image(path)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def _last(codec: Codec, stream: bytes, *settings) -> np.ndarray:
    *_, record = codec.decode(stream, DecodeSettings(*settings))
    return record.image


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (64, 64), (65, 63), (130, 17), (160, 120)])
def test_any_size_round_trips(codec: Codec, size: tuple[int, int]) -> None:
    stream = codec.encode(synthetic_picture(*size), quality=0.3)
    header = read_header(stream)
    assert (header.width, header.height) == size
    records = list(codec.decode(stream, DecodeSettings(Decoder.FLOW, 2, 0.5)))
    assert [record.step for record in records] == [0, 1, 2]
    assert all(record.image.shape == (size[1], size[0], 3) and record.image.dtype == np.uint8 for record in records)


def test_quality_floor_on_the_examples(codec: Codec, example_pictures: list[Path]) -> None:
    assert len(example_pictures) == 6
    for path in example_pictures:
        image = _crop(path)
        original = np.asarray(image)
        rates, scores = [], []
        for quality in (0.0, 0.5, 1.0):
            stream = codec.encode(image, quality=quality)
            rates.append(bits_per_pixel(stream))
            scores.append(psnr(original, codec.reconstruct(stream)))
        assert rates == sorted(rates) and scores == sorted(scores)
        assert scores[0] > 18 and scores[2] > 28, (path.name, rates, scores)


@torch.no_grad()
@pytest.mark.parametrize("quality_code", [800, 2400])
def test_evaluation_pass_says_what_a_stream_decodes_to(
    codec: Codec, example_pictures: list[Path], quality_code: int
) -> None:
    model, image = codec.standard.autoencoder, to_tensor(_crop(example_pictures[0]))
    payload = model.compress(image, QualityMap(quality_code))
    decoded = model.reconstruct(model.decompress(payload, quality_code, *image.shape[2:]))
    output = model(image, torch.full((1, 1, 1, 1), quality_code / QUALITY_STEPS))
    assert output.bits.item() == pytest.approx(8 * len(payload), rel=0.02, abs=128)
    error = (output.reconstruction.clamp(0, 1) - image).square().mean().item()
    assert error == pytest.approx((decoded - image).square().mean().item(), rel=0.02)


@pytest.mark.parametrize("decoder", PAINTERS)
def test_painting_adds_detail_and_keeps_the_picture(
    codec: Codec, example_pictures: list[Path], decoder: Decoder
) -> None:
    for path in example_pictures[:3]:
        image = _crop(path)
        stream = codec.encode(image, quality=0.2)
        x_hat, painted = codec.reconstruct(stream), _last(codec, stream, decoder, 8, 0.5)

        def detail(picture: np.ndarray) -> float:
            grey = picture.mean(-1)
            return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())

        assert detail(painted) > detail(x_hat)
        assert psnr(np.asarray(image), painted) > psnr(np.asarray(image), x_hat) - 2.5


@pytest.mark.parametrize("decoder", list(Decoder))
def test_noise_zero_returns_the_autoencoders_picture(codec: Codec, picture: Image.Image, decoder: Decoder) -> None:
    stream = codec.encode(picture, quality=0.3)
    np.testing.assert_array_equal(_last(codec, stream, decoder, 5, 0.0), codec.reconstruct(stream))


@pytest.mark.parametrize("decoder", PAINTERS)
@pytest.mark.parametrize("noise", [1e-50, 1e-40, 1e-10, 0.0009])
def test_next_to_no_noise_is_none(codec: Codec, picture: Image.Image, decoder: Decoder, noise: float) -> None:
    stream = codec.encode(picture, quality=0.3)
    np.testing.assert_array_equal(_last(codec, stream, decoder, 2, noise), codec.reconstruct(stream))


@pytest.mark.parametrize("decoder", PAINTERS)
def test_more_noise_paints_more(codec: Codec, picture: Image.Image, decoder: Decoder) -> None:
    stream = codec.encode(picture, quality=0.3)
    sent = codec.reconstruct(stream).astype(float)
    painted = [np.abs(_last(codec, stream, decoder, 1, level) - sent).mean() for level in (0.1, 0.4, 1.0)]
    assert painted == sorted(painted) and painted[0] < 0.6 * painted[-1]


@pytest.mark.parametrize("decoder", PAINTERS)
def test_same_seed_same_picture(codec: Codec, picture: Image.Image, decoder: Decoder) -> None:
    stream = codec.encode(picture, quality=0.3)
    first, again, other = (_last(codec, stream, decoder, 2, 0.5, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("bpp", [0.5, 1.0])
def test_target_bpp_is_met_by_the_real_stream(codec: Codec, picture: Image.Image, bpp: float) -> None:
    assert 0.9 * bpp <= bits_per_pixel(codec.encode(picture, bpp=bpp)) <= bpp


def test_unreachable_targets_give_the_ends(codec: Codec, picture: Image.Image) -> None:
    assert codec.encode(picture, bpp=0.02) == codec.encode(picture, quality=0.0)
    assert codec.encode(synthetic_picture(8, 8), bpp=0.02) == codec.encode(synthetic_picture(8, 8), quality=0.0)


@pytest.mark.parametrize("rate", [{}, {"quality": 0.5, "bpp": 0.2}, {"quality": 1.5}, {"bpp": 0}, {"bpp": 100}])
def test_bad_rates(codec: Codec, picture: Image.Image, rate: dict) -> None:
    with pytest.raises(SettingsError):
        codec.encode(picture, **rate)


@pytest.mark.parametrize(
    ("mode", "size", "said"), [("L", (8, 8), "not L"), ("RGBA", (8, 8), "not RGBA"), ("RGB", (70000, 1), "70000 × 1")]
)
def test_pictures_that_no_stream_can_hold(codec: Codec, mode: str, size: tuple[int, int], said: str) -> None:
    with pytest.raises(ImageError, match=said):
        codec.encode(Image.new(mode, size), quality=0.3)


@pytest.mark.parametrize("name", ["autoencoder", "diffusion"])
def test_weights_that_are_missing_or_damaged_are_said(codec: Codec, picture: Image.Image, name: str, tmp_path: Path):
    stream = codec.encode(picture, quality=0.3)
    shutil.copytree(CHECKPOINTS, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / name / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    _refused(Codec.from_pretrained(tmp_path, device="cpu"), stream, tmp_path / name)
    weights.unlink()
    _refused(Codec.from_pretrained(tmp_path, device="cpu"), stream, tmp_path / name)
    shutil.rmtree(tmp_path / name)
    _refused(Codec.from_pretrained(tmp_path, device="cpu"), stream, tmp_path / name)


def _refused(codec: Codec, stream: bytes, folder: Path) -> None:
    with pytest.raises(BitbrushError) as error:
        list(codec.decode(stream))
    assert str(folder) in str(error.value) or "other weights" in str(error.value)


def test_estimate_of_training_matches_the_stream(codec: Codec, example_pictures: list[Path]) -> None:
    image = _crop(example_pictures[0])
    stream = codec.encode(image, quality=0.5)
    tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        estimate = codec.standard.autoencoder(tensor, torch.full((1, 1, 1, 1), 0.5)).bits.item()
    payload = read_header(stream).payload_bytes * 8
    assert 0.9 < payload / estimate < 1.1


def test_damaged_streams_are_refused(codec: Codec, picture: Image.Image) -> None:
    figures = refused_damage(codec, codec.encode(picture, quality=0.2), flips=200, cuts=50)
    assert figures["flips refused"] == 200 and figures["truncations refused"] == 50


def test_payload_of_another_picture_is_survived(codec: Codec, picture: Image.Image) -> None:
    """A well-formed container around a wrong payload must not crash the process."""
    header, payload = unpack(codec.encode(picture, quality=0.2))
    forged = pack(header.model_name, header.model_hash, 300, 200, 4000, 0, payload)
    try:
        image = codec.reconstruct(forged)
    except StreamError:
        return
    assert image.shape == (200, 300, 3)


def test_other_weights_are_named(codec: Codec, picture: Image.Image) -> None:
    header, payload = unpack(codec.encode(picture, quality=0.2))
    foreign = pack(header.model_name, "00000000", *picture.size, header.quality_code, header.grain_code, payload)
    with pytest.raises(StreamError, match="other weights"):
        codec.reconstruct(foreign)


def test_a_tenth_of_the_picture_gains_three_decibels(codec: Codec, example_pictures: list[Path]) -> None:
    image = load_image(next(path for path in example_pictures if path.stem == "astronaut"))
    box = (175, 175, 337, 337)  # a tenth of 512 × 512 pixels
    mask = Image.new("L", image.size)
    mask.paste(255, box)
    even, painted = codec.encode(image, bpp=0.2), codec.encode(image, bpp=0.2, allocation=painted_by(mask))
    assert bits_per_pixel(painted) <= 0.2 and len(painted) == pytest.approx(len(even), rel=0.02)
    pictures = [Image.fromarray(codec.reconstruct(stream)) for stream in (even, painted)]
    before, after = (psnr(np.asarray(image.crop(box)), np.asarray(picture.crop(box))) for picture in pictures)
    assert after > before + 3
    assert psnr(np.asarray(image), np.asarray(pictures[1])) > 26


def test_a_painted_mask_moves_bits_within_the_same_bytes(codec: Codec, example_pictures: list[Path]) -> None:
    picture = load_image(example_pictures[0])
    mask = Image.new("L", (picture.width // 2, picture.height // 2))
    left, top = mask.width // 3, mask.height // 3
    mask.paste(255, (left, top, left + mask.width // 3, top + mask.height // 3))
    even, painted = codec.encode(picture, bpp=0.2), codec.encode(picture, bpp=0.2, allocation=painted_by(mask))
    assert bits_per_pixel(painted) <= 0.2 and len(painted) == pytest.approx(len(even), rel=0.02)
    inside = (slice(2 * top, 2 * top + picture.height // 3), slice(2 * left, 2 * left + picture.width // 3))
    before, after = (psnr(np.asarray(picture)[inside], codec.reconstruct(s)[inside]) for s in (even, painted))
    assert after > before + 2


def test_a_mask_that_asks_for_more_than_the_stream_holds_becomes_weaker(
    codec: Codec, example_pictures: list[Path]
) -> None:
    picture = load_image(example_pictures[0]).resize((384, 256))
    for share in (0.5, 0.9, 1.0):
        mask = Image.new("L", picture.size)
        mask.paste(255, (0, 0, round(share * picture.width), picture.height))
        stream = codec.encode(picture, bpp=0.1, allocation=painted_by(mask))
        assert bits_per_pixel(stream) <= 0.1 and has_map(stream) == (share < 1)


def test_a_mask_that_is_alike_all_over_says_nothing(codec: Codec, picture: Image.Image) -> None:
    for shade in (0, 120, 255):
        painted = codec.encode(picture, quality=0.3, allocation=painted_by(Image.new("L", picture.size, shade)))
        assert painted == codec.encode(picture, quality=0.3)


def test_a_mask_that_does_not_fit_is_refused(codec: Codec, picture: Image.Image) -> None:
    with pytest.raises(SettingsError, match="shape of the picture"):
        codec.encode(picture, quality=0.5, allocation=painted_by(Image.new("L", (100, 100))))


@pytest.mark.parametrize("allocation", [ADAPTIVE, painted_by(Image.new("L", (160, 120), 255))], ids=str)
def test_the_ultra_low_codec_takes_no_map(codec: Codec, picture: Image.Image, allocation: Allocation) -> None:
    with pytest.raises(SettingsError, match="takes no quality map"):
        codec.encode(picture, quality=0.5, codec=SystemName.ULTRALOW, allocation=allocation)


def test_without_a_map_streams_are_as_before(codec: Codec, picture: Image.Image) -> None:
    stream = codec.encode(picture, quality=0.5)
    assert stream == codec.encode(picture, quality=0.5, allocation=EVEN) and not has_map(stream)
    assert codec.quality_map(stream) == QualityMap(QUALITY_STEPS // 2)


@pytest.mark.parametrize("rate", [{"bpp": 0.25}, {"quality": 0.4}])
def test_an_adaptive_map_costs_a_hundredth_and_is_read_without_the_rest(
    codec: Codec, example_pictures: list[Path], rate: dict
) -> None:
    stream = codec.encode(load_image(example_pictures[0]), **rate, allocation=ADAPTIVE)
    found = codec.quality_map(stream)
    assert has_map(stream) and 0 < found.bits <= 0.01 * 8 * len(stream) + 1
    torch.testing.assert_close(found.levels, codec.decode_latent(stream).quality.levels)
    assert bits_per_pixel(stream) <= rate.get("bpp", 4)


def test_an_adaptive_map_moves_bits_to_gentle_texture(codec: Codec, example_pictures: list[Path]) -> None:
    picture = next(path for path in example_pictures if path.stem == "coffee")
    image = load_image(picture)
    streams = [codec.encode(image, bpp=0.25, allocation=allocation) for allocation in (EVEN, ADAPTIVE)]
    original = np.asarray(image)
    errors = [(codec.reconstruct(stream).astype(float) - original) ** 2 for stream in streams]
    levels = codec.quality_map(streams[1]).levels.numpy().repeat(32, 0).repeat(32, 1)[: image.height, : image.width]
    raised, lowered = levels > 0, levels < 0
    assert errors[1][raised].mean() < errors[0][raised].mean()
    assert errors[1][lowered].mean() > errors[0][lowered].mean()


def test_an_unknown_codec_is_refused(codec: Codec) -> None:
    with pytest.raises(SettingsError, match="no codec"):
        codec.encode(synthetic_picture(64, 64, 0), quality=0.5, codec="ultra-low")
