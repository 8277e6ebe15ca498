"""The ultra-low painter's training on what eyes notice, with tiny networks."""

from pathlib import Path

import pytest
import torch

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.training.critics import Critics
from pipeline.training.eyes import Eyes
from pipeline.training.loop import TrainingConfig, train
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.repaint_training import UltraLowRepaintTask
from pipeline.ultralow.training import UltraLow
from pipeline.ultralow.vae import BlockVAE
from tests.test_ultralow import tensor, tiny_coder, tiny_painter, tiny_semantics, tiny_vae
from tests.ultralow.conftest import CROP

CONFIG = TrainingConfig(steps=2, batch_size=3, crop=CROP, learning_rate=1e-3, warmup_steps=1, mixed_precision="no")


@pytest.mark.parametrize("against_critics", [False, True])
def test_painter_decoder_and_critics_learn_and_streams_stay(
    photos, teacher: Teacher, tmp_path: Path, against_critics: bool
) -> None:
    training, held_out = photos
    critics = Critics() if against_critics else None
    system, vae = UltraLow(tiny_coder(), tiny_painter()), tiny_vae()
    task = UltraLowRepaintTask(system, vae, tiny_semantics(), Eyes(teacher, critics=critics), held_out, CROP)
    learning = {name: value.clone() for name, value in task.model.named_parameters()}
    streams = {name: value.clone() for name, value in system.coder.state_dict().items()}
    image = tensor(CROP, CROP)
    latents = vae.encode(image).detach()
    train(task, training.crops, CONFIG, tmp_path)
    assert not [name for name, value in task.model.named_parameters() if torch.equal(value, learning[name])]
    assert all(torch.equal(value, streams[name]) for name, value in system.coder.state_dict().items())
    torch.testing.assert_close(vae.encode(image), latents)
    LatentPainter.from_pretrained(tmp_path / "model" / "painter", low_cpu_mem_usage=False)
    BlockVAE.from_pretrained(tmp_path / "model" / "vae", low_cpu_mem_usage=False)
