"""Training of the latent space with tiny networks."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.loop import TrainingConfig, train
from pipeline.ultralow.training import UltraLow, decoded_latents
from pipeline.ultralow.vae_training import VAEDecoderTask, VAETask
from tests.test_ultralow import tensor, tiny_coder, tiny_painter, tiny_semantics, tiny_vae
from tests.ultralow.conftest import CROP

CONFIG = TrainingConfig(steps=2, batch_size=3, crop=CROP, learning_rate=1e-3, warmup_steps=1, mixed_precision="no")


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
