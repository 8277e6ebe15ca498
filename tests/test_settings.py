"""Settings refuse what is out of range, in words."""

import pytest
from PIL import Image

from pipeline.errors import SettingsError
from pipeline.settings import EVEN, Allocation, Decoder, DecodeSettings, QualityMapKind


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


def test_an_even_map_is_the_default() -> None:
    assert Allocation() == EVEN and EVEN.kind is QualityMapKind.EVEN


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"kind": "wavy"}, "choose one of even, adaptive, painted"),
        ({"kind": "painted"}, "needs a mask"),
        ({"kind": "adaptive", "mask": Image.new("L", (8, 8))}, "takes no mask"),
        ({"mask": Image.new("L", (8, 8))}, "takes no mask"),
    ],
)
def test_a_map_and_its_mask_belong_together(arguments: dict, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        Allocation(**arguments)
