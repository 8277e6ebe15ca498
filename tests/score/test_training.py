"""Stage 2's training with tiny networks."""

from dataclasses import replace
from pathlib import Path

import lpips
import pytest
import torch

from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.score import DiffusionDecoder, FlowDecoder
from pipeline.score.repaint_training import RepaintTask
from pipeline.score.training import ScoreTask
from pipeline.training.data import PhotoSet
from pipeline.training.loop import TrainingConfig, train
from tests.conftest import untrained_autoencoder

CONFIG = TrainingConfig(steps=6, batch_size=2, crop=64, learning_rate=1e-3, warmup_steps=2, mixed_precision="no")


@pytest.mark.parametrize("model_class", [DiffusionDecoder, FlowDecoder])
def test_decoders_train(photo_folder: Path, tmp_path: Path, model_class: type) -> None:
    torch.manual_seed(0)
    model = model_class(block_out_channels=(16, 32), layers_per_block=1, scale_channels=8)
    held_out = PhotoSet.load([photo_folder], 64, validation=True)
    task = ScoreTask(model, untrained_autoencoder(), held_out, 64, scale=True)
    before = task.validate()["loss"]
    figures = train(task, PhotoSet.load([photo_folder], 64).crops, replace(CONFIG, steps=20), tmp_path / "run")
    assert figures["loss"] < before
    model_class.from_pretrained(tmp_path / "run" / "model", low_cpu_mem_usage=False)


def test_a_painter_learns_for_both_samplers(photo_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = {"block_out_channels": (16, 32), "layers_per_block": 1, "scale_channels": 8, "prediction_type": "sample"}
    teacher = Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))
    held_out = PhotoSet.load([photo_folder], 64, validation=True)
    task = RepaintTask(DiffusionDecoder(**sizes), untrained_autoencoder(), teacher, held_out, 64)
    before = task.validate()["painted statistics@0.4"]
    config = replace(CONFIG, steps=25, batch_size=4)
    figures = train(task, PhotoSet.load([photo_folder], 64).crops, config, tmp_path / "run")
    assert figures["painted statistics@0.4"] < before
    folder = tmp_path / "run" / "model"
    diffusion = DiffusionDecoder.from_pretrained(folder, low_cpu_mem_usage=False)
    FlowDecoder(**sizes).load_state_dict(diffusion.state_dict())
