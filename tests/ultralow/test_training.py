"""Training of the ultra-low system with tiny networks, and its ablations."""

from contextlib import nullcontext
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.loop import TrainingConfig, train
from pipeline.ultralow.ablation import Part, remove
from pipeline.ultralow.feature_coder import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.training import LossWeights, UltraLow, UltraLowTask, decoded_latents
from tests.test_ultralow import tiny_coder, tiny_painter, tiny_semantics, tiny_vae
from tests.ultralow.conftest import CROP

CONFIG = TrainingConfig(steps=2, batch_size=3, crop=CROP, learning_rate=1e-3, warmup_steps=1, mixed_precision="no")


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
