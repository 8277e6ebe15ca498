"""Training of the ultra-low system with tiny networks, its losses and its ablations."""

from contextlib import nullcontext
from functools import partial
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.data import OBJECTS, PhotoSet
from pipeline.training.loop import TrainingConfig, train
from pipeline.training.losses import grid_contrast, grid_repetition, ms_ssim_error
from pipeline.training.release import release
from pipeline.ultralow.ablation import Part, remove
from pipeline.ultralow.feature_coder import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.training import LossWeights, UltraLow, UltraLowTask, decoded_latents
from pipeline.ultralow.vae_training import VAEDecoderTask, VAETask
from tests.conftest import synthetic_picture
from tests.test_ultralow import tensor, tiny_coder, tiny_painter, tiny_semantics, tiny_vae

CROP = 256
CONFIG = TrainingConfig(steps=2, batch_size=3, crop=CROP, learning_rate=1e-3, warmup_steps=1, mixed_precision="no")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[PhotoSet, PhotoSet]:
    """For training and held out."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(10):
        synthetic_picture(300, 280, index).save(folder / f"{index}.jpg", quality=90)
    return tuple(PhotoSet.load([folder], CROP, validation, OBJECTS) for validation in (False, True))


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))


def test_vae_trains_then_its_decoder_alone(photos, teacher: Teacher, tmp_path: Path) -> None:
    training, held_out = photos
    vae = tiny_vae()
    figures = train(VAETask(vae, teacher, held_out, CROP), training.crops, CONFIG, tmp_path / "vae")
    assert np.isfinite(figures["loss"])
    image = tensor(CROP, CROP)
    before = vae.encode(image).detach()
    system = UltraLow(tiny_coder(), tiny_painter()).requires_grad_(False)
    task = VAEDecoderTask(vae, partial(decoded_latents, system, vae, tiny_semantics()), teacher, held_out, CROP)
    figures = train(task, training.crops, CONFIG, tmp_path / "decoder")
    assert np.isfinite(figures["loss"])
    torch.testing.assert_close(vae.encode(image), before)


@pytest.mark.parametrize("part", [None, *Part])
def test_training_leaves_what_is_frozen_alone(photos, teacher: Teacher, tmp_path, tiny_autoencoder, part) -> None:
    training, held_out = photos
    model = UltraLow(tiny_coder(), tiny_painter())
    model.coder.distortion_encoder.copy_from(tiny_autoencoder)
    before = [value.clone() for value in model.coder.distortion_encoder.parameters()]
    weights = LossWeights() if part is None else remove(part, model.coder, model.painter, LossWeights())
    task = UltraLowTask(model, tiny_vae(), tiny_semantics(), teacher, held_out, CROP, weights)
    figures = train(task, training.crops, CONFIG, tmp_path)
    assert np.isfinite(figures["loss"])
    for value, kept in zip(before, model.coder.distortion_encoder.parameters(), strict=True):
        torch.testing.assert_close(value, kept)
    coder = FeatureCoder.from_pretrained(tmp_path / "model" / "coder", low_cpu_mem_usage=False)
    painter = LatentPainter.from_pretrained(tmp_path / "model" / "painter", low_cpu_mem_usage=False)
    unet = painter.unet
    from_coarse = unet.conv_in.weight[:, unet.conv_in.in_channels // 2 :]
    removed = {
        Part.DISTORTION_ENCODER: coder.from_distortion.weight,
        Part.SEMANTIC_ENCODER: coder.from_semantic.weight,
        Part.COARSE_GUIDANCE: from_coarse,
    }
    assert [name for name, weight in removed.items() if not weight.any()] == ([] if part is None else [part])


def test_a_painter_learns_beside_a_frozen_coder(photos, teacher: Teacher, tmp_path: Path) -> None:
    training, held_out = photos
    model = UltraLow(tiny_coder(), tiny_painter())
    model.coder.requires_grad_(False)
    before = [value.clone() for value in model.parameters()]
    train(UltraLowTask(model, tiny_vae(), tiny_semantics(), teacher, held_out, CROP), training.crops, CONFIG, tmp_path)
    moved = [not torch.equal(value, now) for value, now in zip(before, model.parameters(), strict=True)]
    coder_size = len(list(model.coder.parameters()))
    assert not any(moved[:coder_size]) and any(moved[coder_size:])


def test_grid_contrast_tells_dots_from_grain() -> None:
    grain = 0.5 + 0.05 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    dots = torch.full((1, 3, 128, 128), 0.5)
    # The same place in every block, but up or down at random.
    signs = torch.randint(0, 2, (16, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1
    dots[:, :, 3::8, 3::8] += 0.05 * signs
    assert grid_contrast(grain) < 0.1
    assert grid_contrast(dots) > 1


def test_grid_repetition_tells_a_weave_from_grain() -> None:
    generator = torch.Generator().manual_seed(0)
    grain = 0.05 * torch.randn(1, 3, 128, 128, generator=generator)
    weave = 0.05 * torch.randn(1, 3, 8, 8, generator=generator).repeat(1, 1, 16, 16)
    assert grid_repetition(0.5 + grain) < 0.01
    assert grid_repetition(0.5 + weave + 0.5 * grain) > 0.3


def test_ms_ssim_error() -> None:
    image = tensor(192, 192)
    error = ms_ssim_error(torch.cat([image, image * 0.5]), torch.cat([image, image]))
    assert error[0] < 1e-5 < error[1]


def test_a_release_keeps_in_16_bits_what_streams_are_decoded_with(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "ultralow"
    coder, painter = tiny_coder(), tiny_painter()
    coder.save_pretrained(run / "model" / "coder")
    painter.save_pretrained(run / "model" / "painter")
    (run / "training.json").write_text("{}")
    release(run.parent, tmp_path / "checkpoints")
    dtypes = {}
    for name in ("ultralow", "painter"):
        stored = load_file(tmp_path / "checkpoints" / name / "diffusion_pytorch_model.safetensors")
        dtypes |= {f"{name}.{weight}": value.dtype for weight, value in stored.items()}
    eight = {name for name, dtype in dtypes.items() if dtype is torch.float8_e4m3fn}
    assert eight and all(name.startswith(("painter.", "ultralow.distortion_encoder.")) for name in eight)
    loaded = LatentPainter.from_pretrained(
        tmp_path / "checkpoints" / "painter", torch_dtype=torch.float32, low_cpu_mem_usage=False
    )
    for name, value in painter.named_parameters():
        torch.testing.assert_close(loaded.get_parameter(name), value, rtol=2**-4, atol=2**-10)


def test_frozen_networks_follow_to_the_device(photos, monkeypatch) -> None:
    """On the device that has shapes and no values, and that refuses to work with another one's."""
    monkeypatch.setattr(torch, "autocast", lambda device, enabled: nullcontext())
    _, held_out = photos
    teacher = Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))
    model, vae, semantic = UltraLow(tiny_coder(), tiny_painter()), tiny_vae(), tiny_semantics()
    remove(Part.COARSE_GUIDANCE, model.coder, model.painter, LossWeights())
    task = UltraLowTask(model, vae, semantic, teacher, held_out, CROP)
    model.to("meta")
    images = torch.empty(3, 3, CROP, CROP, device="meta")
    loss = task.loss(images, torch.Generator())
    loss.backward()
    assert loss.device.type == "meta"
    decoded_latents(model, vae, semantic, images, torch.Generator())
    for network in (vae, semantic):
        assert all(value.device.type == "meta" for value in network.parameters())


def test_a_teacher_leaves_the_network_that_others_share_alone() -> None:
    network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    before = [(value.requires_grad, value.device, value.stride()) for value in network.parameters()]
    Teacher(network).scaled(torch.empty(1, 3, 64, 64, device="meta"))
    assert [(value.requires_grad, value.device, value.stride()) for value in network.parameters()] == before
