"""The distilled LPIPS: its training with a random teacher, and the check of how well it agrees."""

from pathlib import Path

import lpips
import numpy as np
import pytest
import torch

from pipeline.autoencoder import Autoencoder
from pipeline.evaluation.lpips_check import Pair, by_kind
from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.metrics.perceptual.training import BlockTask, DistillationTask, EndToEndTask, prepare
from pipeline.training.data import PhotoSet
from pipeline.training.distortions import PairSet
from pipeline.training.loop import TrainingConfig, train
from tests.conftest import synthetic_picture

CONFIG = TrainingConfig(
    steps=12, batch_size=2, crop=64, learning_rate=5e-3, warmup_steps=2, ema_decay=0.5, mixed_precision="no"
)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, tiny_autoencoder: Autoencoder) -> PairSet:
    folder = tmp_path_factory.mktemp("photos")
    for index in range(4):
        synthetic_picture(200, 160, index).save(folder / f"{index}.jpg", quality=90)
    return PairSet(PhotoSet.load([folder], 64), tiny_autoencoder)


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    torch.manual_seed(0)
    return Teacher(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))


@pytest.fixture
def prepared(pairs: PairSet, teacher: Teacher) -> tuple[DistilledSqueezeNet, torch.Tensor]:
    torch.manual_seed(1)
    model = DistilledSqueezeNet(squeeze_channels=(4, 4, 8, 8, 8, 8, 8, 8))
    images = pairs.draw(4, 64, np.random.default_rng(0))
    prepare(model, teacher, images, fresh=True)
    return model, images


def test_pairs_are_aligned_and_follow_the_seed(pairs: PairSet) -> None:
    drawn = pairs.draw(6, 64, np.random.default_rng(3))
    assert drawn.shape == (12, 3, 64, 64) and 0 <= drawn.min() and drawn.max() <= 1
    originals, copies = drawn.chunk(2)
    errors, shuffled = (originals - copies).square().mean(), (originals - copies.roll(1, 0)).square().mean()
    assert 0 < errors < shuffled / 4
    assert torch.equal(drawn, pairs.draw(6, 64, np.random.default_rng(3)))


def test_the_teachers_parts_add_up_to_lpips(pairs: PairSet, teacher: Teacher) -> None:
    a, b = pairs.draw(1, 64, np.random.default_rng(4)).chunk(2)
    maps = zip(*(teacher.weighted(teacher.network.net(teacher.scaled(x))) for x in (a, b)), strict=True)
    total = sum((x - y).square().sum(1).mean() for x, y in maps)
    torch.testing.assert_close(total, teacher.network(a, b, normalize=True).squeeze(), rtol=1e-4, atol=1e-6)
    inputs_and_outputs = teacher.blocks(teacher.scaled(a))
    torch.testing.assert_close(inputs_and_outputs[-1][1].relu(), teacher.network.net(teacher.scaled(a))[-1])


def test_whitening_changes_how_it_learns_and_not_what_it_computes(
    prepared: tuple[DistilledSqueezeNet, torch.Tensor], teacher: Teacher, tmp_path: Path
) -> None:
    model, images = prepared
    DistillationTask(model, teacher, images).save(tmp_path)
    plain = DistilledSqueezeNet.from_pretrained(tmp_path, low_cpu_mem_usage=False)
    x = teacher.scaled(images)
    assert [maps.shape[1] for maps in plain(x)] == teacher.network.chns
    torch.testing.assert_close(plain(x), model(x))
    prepare(plain, teacher, images, fresh=False)
    for found, wanted in zip(plain(x), model(x), strict=True):
        assert (found - wanted).abs().max() < 1e-3 * wanted.abs().max()


@pytest.mark.parametrize("task_class", [BlockTask, EndToEndTask])
def test_both_phases_learn(
    task_class: type[DistillationTask],
    prepared: tuple[DistilledSqueezeNet, torch.Tensor],
    pairs: PairSet,
    teacher: Teacher,
    tmp_path: Path,
) -> None:
    task = task_class(prepared[0], teacher, prepared[1])
    before = task.validate()["loss"]
    assert train(task, pairs.draw, CONFIG, tmp_path)["loss"] < 0.9 * before


def test_agreement_by_kind() -> None:
    found = by_kind([Pair("noise", value, 2 * value + 0.1) for value in (0.1, 0.2, 0.4)])
    assert found["all"].pairs == 3 and found["noise"].pearson == found["noise"].spearman == 1
    assert found["noise"].mean_absolute_difference == pytest.approx(0.3333, abs=1e-4)
