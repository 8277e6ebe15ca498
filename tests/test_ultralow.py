"""The ultra-low system: its parts with tiny random networks, public weights in their places, the shipped models."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel

from pipeline.autoencoder import QualityMap
from pipeline.codec import Codec
from pipeline.errors import SettingsError
from pipeline.evaluation.robustness import computing, latent_hash, refused_damage
from pipeline.images import load_image
from pipeline.layers.dct import dct_basis
from pipeline.metrics import measure
from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.settings import DEFAULT_SETTINGS, Decoder, DecodeSettings, SystemName
from pipeline.stream import bits_per_pixel, read_header
from pipeline.ultralow import painter as painting
from pipeline.ultralow.encoders import SqueezeSemantics
from pipeline.ultralow.feature_coder import BLOCK, FeatureCoder, Guidance
from pipeline.ultralow.painter import EMBEDDED_UNET, LatentPainter
from pipeline.ultralow.vae import DOWN, BlockVAE
from pipeline.ultralow.vae_training import damaged
from tests.conftest import synthetic_picture

OWN = DEFAULT_SETTINGS[SystemName.ULTRALOW]
FEATURES = (8, 8, 16)
TINY_UNET = EMBEDDED_UNET | {
    "block_out_channels": (16, 16, 16), "cross_attention_dim": 16, "attention_head_dim": 2, "norm_num_groups": 4
}  # fmt: skip


def tiny_coder(latent_channels: int = 12, linear_channels: tuple[int, int] | None = (8, 2), semantic: int = 512):
    torch.manual_seed(0)
    coder = FeatureCoder(
        luma_channels=8, chroma_channels=4, groups=(4, 12), latent_channels=latent_channels,
        linear_channels=linear_channels, distortion_widths=(8, 8, 8), distortion_blocks=(1, 1, 1),
        semantic_channels=semantic, encoder_widths=(8, 16), decoder_widths=FEATURES, hyper_channels=4,
        feature_channels=8, context_channels=16,
    )  # fmt: skip
    coder.entropy.update()
    return coder.eval()


def tiny_vae() -> BlockVAE:
    torch.manual_seed(0)
    return BlockVAE(luma_channels=8, chroma_channels=2, widths=(8, 8)).eval()


def tiny_painter(latent_channels: int = 12, semantic: int = 512) -> LatentPainter:
    torch.manual_seed(0)
    return LatentPainter(latent_channels, FEATURES, semantic, TINY_UNET).eval()


def tiny_semantics() -> SqueezeSemantics:
    torch.manual_seed(0)
    return SqueezeSemantics(DistilledSqueezeNet(squeeze_channels=(4, 4, 8, 8, 8, 8, 8, 8))).eval()


def tensor(width: int, height: int) -> torch.Tensor:
    return torch.tensor(np.asarray(synthetic_picture(width, height))).permute(2, 0, 1)[None].float() / 255


@torch.no_grad()
def tiny_guidance(width: int, height: int) -> Guidance:
    y_hat = torch.randn(1, 16, height // BLOCK, width // BLOCK, generator=torch.Generator().manual_seed(1))
    return tiny_coder().guidance(y_hat, torch.tensor([0.5]))


def test_an_untrained_vae_is_a_dct() -> None:
    vae, image = tiny_vae(), tensor(64, 48)
    latents = vae.encode(image)
    assert latents.shape == (1, 12, 48 // DOWN, 64 // DOWN)
    basis = dct_basis(DOWN, 8, 2)
    kept = F.conv_transpose2d(F.conv2d(image - 0.5, basis, stride=DOWN), basis, stride=DOWN) + 0.5
    torch.testing.assert_close(vae.decode(latents), kept, atol=1e-5, rtol=0)


def test_damage_leaves_the_lowest_frequencies() -> None:
    latents = torch.full((64, 32, 2, 2), 10.0)
    found = damaged(latents, torch.Generator().manual_seed(0))
    assert (found[:, :4] > 0).all()
    cut = (found[:, -1] == 0).flatten(1).all(1)
    assert 0.3 < cut.float().mean() < 0.7
    assert torch.equal(found, damaged(latents, torch.Generator().manual_seed(0)))


def test_the_linear_path_is_the_inverse_dct_seen_by_the_vae() -> None:
    coder, coefficients = tiny_coder(), torch.randn(1, 16, 3, 2)
    pixels = F.conv_transpose2d(coefficients, coder.basis, stride=BLOCK)
    through_pixels = F.conv2d(pixels, dct_basis(DOWN, 8, 2), stride=DOWN)
    directly = F.conv_transpose2d(coefficients, coder.to_latents, stride=BLOCK // DOWN)
    torch.testing.assert_close(directly, through_pixels, atol=1e-5, rtol=0)


@torch.no_grad()
def test_an_untrained_coder_sends_the_low_frequencies() -> None:
    coder, vae, image = tiny_coder(), tiny_vae(), tensor(128, 128)
    quality = torch.tensor([0.9])
    latents = vae.encode(image)
    y = coder.analysis(coder.coefficients(image), coder.fuse(image, latents, torch.zeros(1, 512, 8, 8)), quality)
    blurred = F.conv_transpose2d(F.conv2d(image - 0.5, coder.basis, stride=BLOCK), coder.basis, stride=BLOCK) + 0.5
    torch.testing.assert_close(coder.guidance(y, quality).coarse, vae.encode(blurred), atol=1e-3, rtol=0)


@torch.no_grad()
def test_the_expected_error_of_the_coarse_latents_is_bounded() -> None:
    coder = tiny_coder()
    coder.scale_head.bias.data.fill_(50)
    y_hat = torch.zeros(1, 16, 2, 2)
    assert coder.guidance(y_hat, torch.tensor([0.5])).log_scale.exp().max() < 25


@torch.no_grad()
def test_latents_survive_the_stream() -> None:
    coder, y = tiny_coder(), torch.randn(1, 16, 8, 4) * 5
    quality = QualityMap(2048)
    writer = coder.entropy.writer()
    coder.entropy.write(writer, y, quality.codes)
    latent = coder.decompress(writer.finish(), quality.code, 8 * BLOCK, 4 * BLOCK)
    torch.testing.assert_close(coder.dequantised(latent), y, atol=0.51, rtol=0)


def test_an_untrained_painter_paints_nothing() -> None:
    guidance = tiny_guidance(128, 128)
    *_, (sigma, latents) = tiny_painter().sample(guidance, 3, 1.0, torch.Generator().manual_seed(0))
    assert sigma == 0
    torch.testing.assert_close(latents, guidance.coarse)


@pytest.mark.parametrize("steps", [1, 3])
def test_sampling_follows_the_seed(steps: int) -> None:
    painter, guidance = tiny_painter(), tiny_guidance(128, 128)
    torch.nn.init.normal_(painter.unet.conv_out.weight)

    def sample(seed: int) -> torch.Tensor:
        *_, (_, latents) = painter.sample(guidance, steps, 0.7, torch.Generator().manual_seed(seed))
        return latents

    assert torch.equal(sample(0), sample(0)) and not torch.equal(sample(0), sample(1))


@torch.no_grad()
def test_tiles_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention and normalisation see the tile, so that the two agree in kind, and exactly where nothing is painted."""
    painter, guidance = tiny_painter(), tiny_guidance(512, 256)
    x, time = torch.randn(guidance.coarse.shape), torch.ones(1)
    torch.nn.init.normal_(painter.unet.conv_out.bias)
    whole = painter._evaluate(x, time, guidance)
    monkeypatch.setattr(painting, "TILE", 256)
    monkeypatch.setattr(painting, "OVERLAP", 128)
    torch.testing.assert_close(painter._evaluate(x, time, guidance), whole, atol=1e-5, rtol=0)
    torch.nn.init.normal_(painter.unet.conv_out.weight, std=0.1)
    whole, tiled = (painter._evaluate(x, time, guidance) for _ in range(2))
    assert torch.isfinite(tiled).all() and tiled.shape == whole.shape


def save_public(folder: Path) -> None:
    """A codec folder whose VAE, U-Net and semantic encoder have the public models' classes, tiny and random."""
    transformers = pytest.importorskip("transformers", reason="the full-size semantic encoder is transformers'")
    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    AutoencoderKL(block_out_channels=(8,) * 4, norm_num_groups=4, **blocks).save_pretrained(folder / "vae")
    unet = UNet2DConditionModel(
        block_out_channels=(16,) * 4, norm_num_groups=4, cross_attention_dim=16, attention_head_dim=2
    )
    LatentPainter.from_unet(unet, FEATURES, 24).save_pretrained(folder / "painter")
    coder = tiny_coder(latent_channels=4, linear_channels=None, semantic=24)
    coder.save_pretrained(folder / "ultralow")
    config = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    transformers.Dinov2Model(config).save_pretrained(folder / "semantic")


def test_public_networks_take_our_networks_places(tmp_path: Path) -> None:
    save_public(tmp_path)
    codec, image = Codec.from_pretrained(tmp_path, device="cpu"), synthetic_picture(150, 90)
    stream = codec.encode(image, quality=0.5, codec=SystemName.ULTRALOW)
    *_, last = codec.decode(stream, OWN)
    assert last.image.shape == (90, 150, 3)


# -- the shipped models -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(8, 8), (33, 47), (200, 129)])
def test_every_size_round_trips(codec: Codec, size: tuple[int, int]) -> None:
    stream = codec.encode(synthetic_picture(*size), quality=0.3, codec=SystemName.ULTRALOW)
    assert read_header(stream).codec is SystemName.ULTRALOW
    records = list(codec.decode(stream, replace(OWN, num_inference_steps=2)))
    assert [record.step for record in records] == [0, 1, 2]
    assert all(record.image.shape == (size[1], size[0], 3) for record in records)


def test_a_few_hundred_bytes_hold_a_picture(codec: Codec, example_pictures: list[Path]) -> None:
    coarse, painted = [], []
    for path in example_pictures[:3]:
        image = load_image(path)
        stream = codec.encode(image, bpp=0.03, codec=SystemName.ULTRALOW)
        assert 0.98 * 0.03 <= bits_per_pixel(stream) <= 0.03
        original = np.asarray(image)
        *_, last = codec.decode(stream, OWN)
        coarse.append(measure(original, codec.reconstruct(stream)))
        painted.append(measure(original, last.image))
    assert np.mean([score.psnr for score in painted]) > 20
    assert np.mean([score.lpips for score in painted]) < np.mean([score.lpips for score in coarse])


def test_no_noise_is_the_coarse_picture(codec: Codec, picture) -> None:
    stream = codec.encode(picture, quality=0.5, codec=SystemName.ULTRALOW)
    for settings in (replace(OWN, noise_level=0.0), DecodeSettings(Decoder.COARSE), DecodeSettings("autoencoder")):
        *_, last = codec.decode(stream, settings)
        np.testing.assert_array_equal(last.image, codec.reconstruct(stream))


def test_flow_is_refused_in_words(codec: Codec, picture) -> None:
    stream = codec.encode(picture, quality=0.5, codec=SystemName.ULTRALOW)
    with pytest.raises(SettingsError, match="choose diffusion"):
        next(codec.decode(stream, DecodeSettings(Decoder.FLOW)))


def test_damage_is_refused(codec: Codec, picture) -> None:
    stream = codec.encode(picture, quality=0.2, codec=SystemName.ULTRALOW)
    figures = refused_damage(codec, stream, flips=100, cuts=30)
    assert figures["flips refused"] == 100 and figures["truncations refused"] == 30


def test_latents_do_not_depend_on_the_computing(codec: Codec, picture) -> None:
    stream = codec.encode(picture, quality=0.6, codec=SystemName.ULTRALOW)
    hashes = set()
    for setting in ((1, False, True), (2, True, False)):
        with computing(*setting):
            hashes.add(latent_hash(codec, stream))
    assert len(hashes) == 1
