"""Stage 1's training with a tiny network: it resumes to the step, its checkpoint loads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.autoencoder import Autoencoder
from pipeline.autoencoder.training import AutoencoderTask
from pipeline.training.data import PhotoSet
from pipeline.training.loop import TrainingConfig, train
from tests.conftest import untrained_autoencoder

CONFIG = TrainingConfig(steps=6, batch_size=2, crop=64, learning_rate=1e-3, warmup_steps=2, mixed_precision="no")


def test_autoencoder_resumes_to_the_step(photo_folder: Path, tmp_path: Path) -> None:
    held_out = PhotoSet.load([photo_folder], 64, validation=True)
    crops = PhotoSet.load([photo_folder], 64).crops

    def run(name: str, config: TrainingConfig, resume: bool = False) -> Autoencoder:
        model = untrained_autoencoder()
        figures = train(AutoencoderTask(model, held_out, 64), crops, config, tmp_path / name, resume)
        assert np.isfinite(figures["loss"])
        return model

    whole = run("whole", replace(CONFIG, validate_every=3))
    state = torch.load(tmp_path / "whole" / "state.pt", weights_only=True)
    assert state["step"] == 6
    # A run stopped at its first checkpoint: the same settings, cut off after three steps.
    halted = AutoencoderTask(untrained_autoencoder(), held_out, 64)

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
