"""Stage 1 with tiny random weights: shapes, exact round trips, the training estimate against real streams."""

import copy
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from torch import nn

from pipeline.autoencoder import ALIGNMENT, Autoencoder, QualityMap
from pipeline.autoencoder.quality_map import map_bits, map_size, read_levels, write_levels
from pipeline.autoencoder.transforms import AnalysisPath, SynthesisPath
from pipeline.codec import Codec
from pipeline.entropy.rounding import rate_distortion_round
from pipeline.evaluation.robustness import computing
from pipeline.images import load_image, pad, to_tensor
from pipeline.layers.dct import dct_basis
from pipeline.layers.lapped import filter_edges, lapped_filter
from pipeline.layers.quality import CELL, uniform_map
from pipeline.stream import QUALITY_STEPS
from pipeline.tiles import map_tiles


def test_basis_is_orthonormal_and_ordered() -> None:
    basis = dct_basis(16, 20, 6)
    assert basis.shape == (32, 3, 16, 16)
    torch.testing.assert_close(basis.flatten(1) @ basis.flatten(1).T, torch.eye(32), atol=1e-5, rtol=0)
    assert basis[0].std() < 1e-6


@pytest.mark.parametrize("size", [(64, 64), (128, 64), (64, 192)])
@pytest.mark.parametrize("quality_code", [0, 1234, QUALITY_STEPS])
def test_round_trip(tiny_autoencoder: Autoencoder, size: tuple[int, int], quality_code: int) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    payload = tiny_autoencoder.compress(image, QualityMap(quality_code))
    latent = tiny_autoencoder.decompress(payload, quality_code, *size)
    assert latent.values.shape == (1, 24, size[0] // 16, size[1] // 16)
    reconstruction = tiny_autoencoder.reconstruct(latent)
    assert reconstruction.shape == image.shape
    assert 0 <= reconstruction.min() and reconstruction.max() <= 1


def test_latent_is_the_same_under_every_setting(tiny_autoencoder: Autoencoder) -> None:
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    levels = torch.randint(-3, 4, (4, 4), generator=torch.Generator().manual_seed(0))
    with computing(threads=2, bf16=False, onednn=True):
        payload = tiny_autoencoder.compress(image, QualityMap(2000, levels))
    reference = tiny_autoencoder.decompress(payload, 2000, 128, 128)
    assert torch.equal(reference.quality.levels, levels)
    for setting in [(1, False, True), (1, True, True), (2, True, False), (2, False, False)]:
        with computing(*setting):
            decoded = tiny_autoencoder.decompress(payload, 2000, 128, 128)
            assert torch.equal(decoded.values, reference.values)
            assert torch.equal(decoded.scale_indexes, reference.scale_indexes)


def test_quality_raises_rate(tiny_autoencoder: Autoencoder) -> None:
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    sizes = [len(tiny_autoencoder.compress(image, QualityMap(code))) for code in (0, QUALITY_STEPS // 2, QUALITY_STEPS)]
    assert sizes == sorted(sizes)


def test_rounding_gives_up_little_for_many_bits() -> None:
    values, scale = torch.tensor([0.3, 0.55, -0.55, 0.95, 1.52, 3.0]), torch.full((6,), 0.2)
    assert rate_distortion_round(values, scale, torch.full((6,), 10.0)).tolist() == [0, 0, 0, 1, 1, 3]
    assert rate_distortion_round(values, scale, torch.full((6,), 1e6)).tolist() == values.round().tolist()
    wide = torch.full((6,), 50.0)
    assert rate_distortion_round(values, wide, torch.full((6,), 10.0)).tolist() == values.round().tolist()


def test_weighed_rounding_codes_fewer_bytes(tiny_autoencoder: Autoencoder) -> None:
    entropy = tiny_autoencoder.entropy
    y = 2 * torch.randn(1, sum(entropy.groups), 8, 8, generator=torch.Generator().manual_seed(0))
    codes = QualityMap(2000).codes

    def coded(weights: torch.Tensor | None) -> bytes:
        writer = entropy.writer()
        entropy.write(writer, y, codes, weights)
        return writer.finish()

    weighed = coded(torch.tensor(0.5))
    assert len(weighed) < len(coded(None))
    error = (entropy.read(entropy.reader(weighed), codes, 8, 8)[0] / 256 - y).abs()
    assert error.max() <= 1.5


@pytest.mark.parametrize("weighed_rounding", [False, True])
def test_training_pass_has_gradients_everywhere(weighed_rounding: bool) -> None:
    torch.manual_seed(0)
    model = Autoencoder(
        luma_channels=16, chroma_channels=4, groups=(8, 16), widths=(8, 8, 8), blocks=(1, 1, 1),
        synthesis_blocks=(1, 1, 1), hyper_channels=8, feature_channels=8, context_channels=16,
    )  # fmt: skip
    output = model(torch.rand(2, 3, 64, 64), uniform_map(torch.tensor([0.2, 0.9])), weighed_rounding)
    assert output.reconstruction.shape == (2, 3, 64, 64) and output.bits.shape == (2,)
    (output.bits.mean() * 1e-3 + output.reconstruction.square().mean()).backward()
    # A path that ends in a zero-initialised convolution passes no gradient to what lies before it, at first.
    silent = {name for name, value in model.named_parameters() if value.grad is None}
    assert not silent


def test_training_on_weighed_rounding_sees_what_streams_hold(tiny_autoencoder: Autoencoder) -> None:
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    quality = uniform_map(torch.tensor([0.2, 0.9]))
    with torch.no_grad():
        streamed = tiny_autoencoder(image, quality)
        learned = copy.deepcopy(tiny_autoencoder).train()(image, quality)
    # The hyper-latent's bits are those of additive noise all the same.
    torch.testing.assert_close(learned.bits, streamed.bits, rtol=0.01, atol=0)
    torch.testing.assert_close(learned.reconstruction, streamed.reconstruction)


def test_save_and_load(tiny_autoencoder: Autoencoder, tmp_path) -> None:
    tiny_autoencoder.save_pretrained(tmp_path)
    loaded = Autoencoder.from_pretrained(tmp_path, torch_dtype=torch.float32, low_cpu_mem_usage=False).eval()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert loaded.compress(image, QualityMap(1000)) == tiny_autoencoder.compress(image, QualityMap(1000))


@pytest.mark.parametrize("blocks", [(1, 1, 1), (2, 3, 2)])
def test_reach_is_what_a_position_sees(blocks: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    quality = torch.ones(1, 1, 1, 1)
    analysis, synthesis = AnalysisPath(4, (8, 8, 8), blocks), SynthesisPath(4, (8, 8, 8), blocks)
    for path in (analysis, synthesis):
        nn.init.normal_(path.head.weight)
    image, latent = torch.rand(1, 3, 640, 640, requires_grad=True), torch.rand(1, 4, 40, 40, requires_grad=True)
    analysis(image - 0.5, quality)[..., 20, 20].sum().backward()
    synthesis(latent, quality)[..., 320:336, 320:336].sum().backward()
    seen = image.grad.abs().sum((0, 1, 3)).nonzero()
    assert analysis.reach - CELL < 320 - seen.min() <= analysis.reach
    seen = latent.grad.abs().sum((0, 1, 3)).nonzero()
    assert synthesis.reach - CELL < 16 * (20 - seen.min()) <= synthesis.reach


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 16), (17, 33), (40, 5)])
def test_levels_of_the_quality_map_survive_the_stream(tiny_autoencoder: Autoencoder, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    for levels in (torch.randint(-10, 11, size, generator=generator), torch.zeros(size, dtype=torch.int64)):
        writer = tiny_autoencoder.entropy.writer()
        table = write_levels(writer, levels)
        payload = writer.finish()
        assert 8 * len(payload) <= map_bits(levels) + 64
        reader = tiny_autoencoder.entropy.reader(payload)
        assert torch.equal(read_levels(reader, *size, table), levels)
        reader.finish()


def test_a_smooth_map_costs_little() -> None:
    levels = torch.linspace(-4, 4, 24).round().long()[:, None].expand(24, 16)
    noise = levels[torch.randperm(24, generator=torch.Generator().manual_seed(0))]
    assert map_bits(torch.zeros_like(levels)) < 16
    assert map_bits(levels) < 0.6 * map_bits(noise)


def test_a_map_moves_bits(codec: Codec, example_pictures: list[Path]) -> None:
    model, image = codec.standard.autoencoder, pad(to_tensor(load_image(example_pictures[0])), ALIGNMENT)
    rows, columns = map_size(*image.shape[2:])
    levels = torch.zeros(rows, columns, dtype=torch.int64)
    levels[:, columns // 2 :] = 4
    even, moved = (
        model.reconstruct(model.decompress(model.compress(image, quality), quality.code, *image.shape[2:]))
        for quality in (QualityMap(1500), QualityMap(1000, levels))
    )
    error = [(picture - image).square().chunk(2, -1) for picture in (even, moved)]
    assert error[1][0].mean() > 1.2 * error[0][0].mean()
    assert error[1][1].mean() < 0.8 * error[0][1].mean()


def test_the_lapped_transform_is_orthonormal_and_smooth_across_edges() -> None:
    matrix = lapped_filter()
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(16), atol=1e-6, rtol=0)
    picture = torch.rand(1, 3, 64, 32)
    filtered = filter_edges(picture, matrix)
    torch.testing.assert_close(filter_edges(filtered, matrix.T), picture, atol=1e-5, rtol=0)
    torch.testing.assert_close(filtered.square().sum(), picture.square().sum())


def test_the_analysis_of_tiles_is_that_of_the_whole(tiny_autoencoder: Autoencoder) -> None:
    image = torch.rand(1, 3, 192, 448, generator=torch.Generator().manual_seed(0))
    quality = torch.rand(1, 1, 6, 14, generator=torch.Generator().manual_seed(1))
    model = tiny_autoencoder
    whole = model.analysis(image, quality)
    tiled = map_tiles(model.analysis, (image, quality), (1, CELL), 16, size=64, margin=model.analysis_path.reach)
    torch.testing.assert_close(tiled, whole, atol=1e-3, rtol=1e-4)


def test_a_latent_serves_for_qualities_nearby(
    codec: Codec, example_pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = codec.standard.autoencoder
    image = pad(to_tensor(load_image(example_pictures[0]).crop((128, 64, 384, 320))), ALIGNMENT)
    analysis = Mock(wraps=model.analysis)
    monkeypatch.setattr(model, "analysis", analysis)
    encode_at = model.encoder(image)
    encode_at(QualityMap(1000))
    near = encode_at(QualityMap(1100))
    assert analysis.call_count == 1
    far = encode_at(QualityMap(3000))
    assert analysis.call_count == 2
    assert far == model.compress(image, QualityMap(3000))
    anew = model.compress(image, QualityMap(1100))

    def error(payload: bytes) -> torch.Tensor:
        return (model.reconstruct(model.decompress(payload, 1100, 256, 256)) - image).square().mean()

    bits, distortion = len(near) / len(anew), error(near) / error(anew)
    assert bits == pytest.approx(1, abs=0.02)
    assert bits * distortion == pytest.approx(1, abs=0.02)
