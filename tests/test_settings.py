"""Decode settings refuse what is out of range, in words."""

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Decoder, DecodeSettings


def test_strings_become_decoders() -> None:
    assert DecodeSettings("flow").decoder is Decoder.FLOW


@pytest.mark.parametrize(
    "changes",
    [
        {"decoder": "jpeg"},
        {"num_inference_steps": 0},
        {"num_inference_steps": 101},
        {"noise_level": -0.1},
        {"noise_level": 1.1},
        {"noise_level": float("nan")},
        {"seed": -1},
        {"seed": 2**32},
        {"shift": 0.0},
        {"shift": 17.0},
        {"shift": 2.0, "decoder": "flow"},
        {"shift": 2.0, "decoder": "autoencoder"},
    ],
)
def test_out_of_range(changes: dict) -> None:
    with pytest.raises(SettingsError):
        DecodeSettings(**changes)
