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
from pipeline.training.critics import STAGE_CHANNELS, Critics, balanced
from pipeline.training.data import PhotoSet
from pipeline.training.eyes import Eyes
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


SIZES = {
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "scale_channels": 8,
    "prediction_type": "sample",
    "told_unsent": True,
}


def repaint_task(photo_folder: Path, critics: Critics | None = None) -> RepaintTask:
    torch.manual_seed(0)
    teacher = Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))
    held_out = PhotoSet.load([photo_folder], 64, validation=True)
    return RepaintTask(DiffusionDecoder(**SIZES), untrained_autoencoder(), Eyes(teacher, critics=critics), held_out, 64)


def test_a_painter_learns_for_both_samplers(photo_folder: Path, tmp_path: Path) -> None:
    task = repaint_task(photo_folder)
    before = task.validate()["painted statistics@0.4"]
    config = replace(CONFIG, steps=60, batch_size=4)
    figures = train(task, PhotoSet.load([photo_folder], 64).crops, config, tmp_path / "run")
    assert figures["painted statistics@0.4"] < before
    folder = tmp_path / "run" / "model"
    diffusion = DiffusionDecoder.from_pretrained(folder, low_cpu_mem_usage=False)
    FlowDecoder(**SIZES).load_state_dict(diffusion.state_dict())


def test_painter_and_critics_learn_in_one_step_each_from_its_own_loss(photo_folder: Path, tmp_path: Path) -> None:
    critics = Critics()
    task = repaint_task(photo_folder, critics)
    before = {name: value.clone() for name, value in task.model.named_parameters()}
    train(task, PhotoSet.load([photo_folder], 64).crops, replace(CONFIG, steps=2), tmp_path / "run")
    still = [name for name, value in task.model.named_parameters() if torch.equal(value, before[name])]
    assert not still
    DiffusionDecoder.from_pretrained(tmp_path / "run" / "model", low_cpu_mem_usage=False)


def test_the_critics_share_falls_with_the_learning_rate(photo_folder: Path, tmp_path: Path) -> None:
    task = repaint_task(photo_folder, Critics())
    factors: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Eyes, "pace", lambda self, factor: factors.append(factor))
        train(task, PhotoSet.load([photo_folder], 64).crops, replace(CONFIG, steps=4), tmp_path / "run")
    assert factors == pytest.approx([0.5, 1.0, 1.0, 0.5])
    eyes = Eyes(Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)))
    shares = []
    for factor in (1.0, 0.5, 0.0):
        eyes.pace(factor)
        shares.append(eyes.critics_share)
    assert shares == sorted(shares, reverse=True) and 0 < shares[-1] < 0.3 * shares[0]


def test_critics_learn_to_tell_smooth_pictures(photo_folder: Path) -> None:
    torch.manual_seed(0)
    critics, generator = Critics(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(critics.parameters(), 1e-3)
    x_hat = torch.full((4, 3, 64, 64), 0.5)
    maps = [torch.zeros(4, channels, 4, 4) for channels in STAGE_CHANNELS]
    losses = []
    for _ in range(15):
        grainy = x_hat + 0.05 * torch.randn(x_hat.shape, generator=generator)
        real, painted = ([torch.cat([8 * (each - x_hat), x_hat], 1), *(torch.cat([m, m], 1) for m in maps)]
                         for each in (grainy, x_hat))  # fmt: skip
        losses.append(critics.loss(real, painted, generator).mean())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert min(losses) < 0.9 * losses[0]


def test_two_losses_are_balanced_at_the_picture() -> None:
    picture = torch.randn(2, 3, 4, 4, requires_grad=True)
    wanted, other = picture.square().flatten(1).sum(1), 1e3 * picture.flatten(1).sum(1)
    balanced(wanted, other, picture, 0.5).sum().backward()
    added = picture.grad - 2 * picture.detach()
    expected = 0.5 * (2 * picture.detach()).flatten(1).norm(dim=1)
    torch.testing.assert_close(added.flatten(1).norm(dim=1), expected)
