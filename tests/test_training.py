"""Training with tiny networks: it learns, it resumes to the step, its checkpoints load."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.autoencoder import Autoencoder
from pipeline.autoencoder.stretch import stretch
from pipeline.autoencoder.training import AutoencoderTask
from pipeline.layers.quality import uniform_map
from pipeline.score import DiffusionDecoder, FlowDecoder
from pipeline.score.training import ScoreTask
from pipeline.training.data import PhotoSet
from pipeline.training.loop import TrainingConfig, learning_rate_factor, train
from tests.conftest import synthetic_picture

CONFIG = TrainingConfig(steps=6, batch_size=2, crop=64, learning_rate=1e-3, warmup_steps=2, mixed_precision="no")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for index in range(10):
        synthetic_picture(200, 150, index).save(folder / f"{index}.jpg", quality=90)
    return folder


def _tiny() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(
        luma_channels=16, chroma_channels=4, groups=(8, 16), widths=(8, 8, 8), blocks=(1, 1, 1),
        synthesis_blocks=(1, 1, 1), hyper_channels=8, feature_channels=8, context_channels=16,
    )  # fmt: skip


def test_photo_split_and_crops(photos: Path) -> None:
    training, held_out = PhotoSet.load([photos], 64), PhotoSet.load([photos], 64, validation=True)
    assert [len(group) for group in training.groups] == [0, 0, 9, 0]
    assert [len(group) for group in held_out.groups] == [0, 0, 1, 0]
    clean = PhotoSet.load([], 64, clean=[photos])
    assert [picture.shape for picture in clean.groups[3]] == 9 * [(150, 200, 3)]
    crops = training.crops(3, 64, np.random.default_rng(0))
    assert crops.shape == (3, 3, 64, 64) and 0 <= crops.min() and crops.max() <= 1


def test_no_photos_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no photographs"):
        PhotoSet.load([tmp_path], 64)


def test_autoencoder_resumes_to_the_step(photos: Path, tmp_path: Path) -> None:
    held_out = PhotoSet.load([photos], 64, validation=True)
    crops = PhotoSet.load([photos], 64).crops

    def run(name: str, config: TrainingConfig, resume: bool = False) -> Autoencoder:
        model = _tiny()
        figures = train(AutoencoderTask(model, held_out, 64), crops, config, tmp_path / name, resume)
        assert np.isfinite(figures["loss"])
        return model

    whole = run("whole", replace(CONFIG, validate_every=3))
    state = torch.load(tmp_path / "whole" / "state.pt", weights_only=True)
    assert state["step"] == 6
    # A run stopped at its first checkpoint: the same settings, cut off after three steps.
    halted = AutoencoderTask(_tiny(), held_out, 64)

    class Stop(Exception):
        pass

    def interrupted(count: int, size: int, rng: np.random.Generator) -> torch.Tensor:
        if (tmp_path / "parts" / "state.pt").exists():
            raise Stop
        return crops(count, size, rng)

    with pytest.raises(Stop):
        train(halted, interrupted, replace(CONFIG, validate_every=3), tmp_path / "parts")
    resumed = run("parts", replace(CONFIG, validate_every=3), resume=True)
    for (name, a), b in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(a, b, msg=name, atol=1e-4, rtol=1e-3)
    Autoencoder.from_pretrained(tmp_path / "parts" / "model", low_cpu_mem_usage=False)


@pytest.mark.parametrize("model_class", [DiffusionDecoder, FlowDecoder])
def test_decoders_train(photos: Path, tmp_path: Path, model_class: type) -> None:
    torch.manual_seed(0)
    model = model_class(block_out_channels=(16, 32), layers_per_block=1, scale_channels=8)
    held_out = PhotoSet.load([photos], 64, validation=True)
    task = ScoreTask(model, _tiny(), held_out, 64, scale=True)
    before = task.validate()["loss"]
    figures = train(task, PhotoSet.load([photos], 64).crops, replace(CONFIG, steps=20), tmp_path / "run")
    assert figures["loss"] < before
    model_class.from_pretrained(tmp_path / "run" / "model", low_cpu_mem_usage=False)


@torch.no_grad()
def test_stretch_keeps_what_every_lambda_does() -> None:
    old, new = _tiny().eval(), _tiny().eval()
    for model in (old, new):
        for path in (model.analysis_path, model.synthesis_path):
            torch.nn.init.constant_(path.head.weight, 0.01)
    stretch(new, (0.0001, 0.06))
    image = torch.from_numpy(np.array(synthetic_picture(256, 256, 0))).permute(2, 0, 1)[None] / 255
    for quality in (uniform_map(torch.tensor([0.4])), uniform_map(torch.tensor([0.8]))):
        weight = new.rate_lambda(quality)
        before = torch.log(weight / 0.0004) / np.log(0.06 / 0.0004)
        torch.testing.assert_close(old.rate_lambda(before), weight)
        y = old.analysis(image, before)
        torch.testing.assert_close(new.analysis(image, quality), y, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(new.synthesis(y, quality), old.synthesis(y, before), atol=1e-4, rtol=1e-4)
        # Not exactly: beyond the border stand zeros, whatever the quality means.
        torch.testing.assert_close(new.entropy(y, quality).bits, old.entropy(y, before).bits, atol=0, rtol=0.02)
    with pytest.raises(ValueError, match="lambda"):
        stretch(new, (0.06, 0.0001))


def test_learning_rate_warms_up_and_falls() -> None:
    factors = [learning_rate_factor(step, CONFIG) for step in range(CONFIG.steps)]
    assert factors[0] == 0.5 and max(factors) == 1.0 and factors[-1] < 0.2
