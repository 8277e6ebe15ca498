"""The mean of trained weights."""

from pathlib import Path

import pytest
import torch

from pipeline.score import DiffusionDecoder, FlowDecoder
from pipeline.training.average import average
from pipeline.training.release import release

SIZES = {"block_out_channels": (16, 32), "layers_per_block": 1, "scale_channels": 8, "prediction_type": "sample"}


def saved(folder: Path, seed: int, **changed: object) -> DiffusionDecoder:
    torch.manual_seed(seed)
    model = DiffusionDecoder(**SIZES | changed)
    model.save_pretrained(folder)
    return model


def test_both_decoders_are_released_from_the_mean_of_two_runs(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "a", 0), saved(tmp_path / "b", 1)
    run = tmp_path / "runs" / "repaint"
    average([tmp_path / "a", tmp_path / "b"], run / "model")
    (run / "training.json").write_text("{}")
    release(run.parent, tmp_path / "checkpoints")
    for name, decoder in (("diffusion", DiffusionDecoder), ("flow", FlowDecoder)):
        model = decoder.from_pretrained(tmp_path / "checkpoints" / name, low_cpu_mem_usage=False).float()
        assert model.predicts_sample
        for weight, value in model.named_parameters():
            mean = (first.get_parameter(weight) + second.get_parameter(weight)) / 2
            torch.testing.assert_close(value, mean, rtol=2**-10, atol=2**-14)


def test_networks_of_other_sizes_have_no_mean(tmp_path: Path) -> None:
    saved(tmp_path / "a", 0)
    saved(tmp_path / "b", 1, block_out_channels=(16, 48))
    with pytest.raises(ValueError, match="one architecture"):
        average([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
