"""Which format painters and stage 1 compute in, and how little of the result depends on it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.codec import Codec
from pipeline.errors import SettingsError
from pipeline.images import load_image
from pipeline.metrics import measure
from pipeline.precision import VARIABLE, chosen, fastest
from pipeline.settings import Decoder, DecodeSettings, Precision, SystemName

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def codecs() -> dict[Precision, Codec]:
    wanted = [Precision.FP32, Precision.BF16]
    return {precision: Codec.from_pretrained(device="cpu", precision=precision) for precision in wanted}


@pytest.fixture(scope="module")
def photo(example_pictures: list[Path]) -> Image.Image:
    return load_image(example_pictures[0]).crop((128, 64, 384, 320))


@pytest.mark.parametrize(("amx", "bf16"), [(True, False), (False, True), (False, False)])
def test_bfloat16_is_for_processors_that_multiply_it(monkeypatch: pytest.MonkeyPatch, amx: bool, bf16: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    assert fastest(CPU) is (Precision.BF16 if amx or bf16 else Precision.FP32)


@pytest.mark.parametrize("supported", [True, False])
def test_gpus_compute_in_sixteen_bits(monkeypatch: pytest.MonkeyPatch, supported: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert fastest(torch.device("cuda")) is (Precision.BF16 if supported else Precision.FP16)


def test_what_is_asked_for_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "bf16")
    assert chosen(Precision.AUTO, CPU) is Precision.BF16
    assert chosen(Precision.FP32, CPU) is Precision.FP32
    monkeypatch.setenv(VARIABLE, "auto")
    assert chosen(Precision.AUTO, CPU) is fastest(CPU)


def test_an_unknown_precision_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fp8")
    with pytest.raises(SettingsError, match="fp32, bf16, fp16"):
        Codec.from_pretrained(device="cpu")
    with pytest.raises(SettingsError, match="fp32, bf16, fp16"):
        Codec.from_pretrained(device="cpu", precision="fp8")
    assert Codec.from_pretrained(device="cpu", precision="bf16").precision is Precision.BF16
    with pytest.raises(SettingsError, match="for GPUs"):
        chosen(Precision.FP16, CPU)


def test_the_description_names_it(codecs: dict[Precision, Codec]) -> None:
    assert [codec.description for codec in codecs.values()] == ["cpu, fp32", "cpu, bf16"]


def test_ultralow_streams_and_coarse_pictures_do_not_depend_on_it(
    codecs: dict[Precision, Codec], photo: Image.Image
) -> None:
    one, other = (codec.encode(photo, quality=0.3, codec=SystemName.ULTRALOW) for codec in codecs.values())
    assert one == other
    first, second = (codec.reconstruct(one) for codec in codecs.values())
    np.testing.assert_array_equal(first, second)


def stripes(width: int) -> Image.Image:
    column = np.arange(256) // width % 2 * np.uint8(255)
    return Image.fromarray(np.tile(column.astype(np.uint8)[:, None, None], (1, 256, 3)))


@pytest.mark.parametrize("quality", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["photo", "stripes"])
def test_standard_streams_cost_the_same_and_decode_the_same_latent(
    codecs: dict[Precision, Codec], photo: Image.Image, kind: str, quality: float
) -> None:
    image = photo if kind == "photo" else stripes(2)
    one, other = (codec.encode(image, quality=quality) for codec in codecs.values())
    assert len(other) == pytest.approx(len(one), rel=0.01, abs=4)
    latents = [codec.decode_latent(one) for codec in codecs.values()]
    assert torch.equal(latents[0].values, latents[1].values)
    first, second = (
        codec.standard.reconstruct(latent).picture for codec, latent in zip(codecs.values(), latents, strict=True)
    )
    assert -10 * (first - second).square().mean().log10() > 60


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        (SystemName.STANDARD, DecodeSettings(Decoder.DIFFUSION, 4, 0.4)),
        (SystemName.STANDARD, DecodeSettings(Decoder.FLOW, 4, 0.4)),
        (SystemName.ULTRALOW, DecodeSettings(Decoder.DIFFUSION, 1, 1.0)),
    ],
    ids=["diffusion", "flow", "ultralow"],
)
def test_a_repaint_is_as_good_in_bfloat16(
    codecs: dict[Precision, Codec], photo: Image.Image, system: SystemName, settings: DecodeSettings
) -> None:
    stream = codecs[Precision.FP32].encode(photo, quality=0.3, codec=system)
    painted = [list(codec.decode(stream, settings))[-1].image for codec in codecs.values()]
    full, low = (measure(np.asarray(photo), picture) for picture in painted)
    assert (painted[0] != painted[1]).any()
    assert low.lpips == pytest.approx(full.lpips, abs=0.001)
    assert low.psnr == pytest.approx(full.psnr, abs=0.02)


def test_same_seed_same_picture_in_bfloat16(codecs: dict[Precision, Codec], photo: Image.Image) -> None:
    codec, settings = codecs[Precision.BF16], DecodeSettings(Decoder.FLOW, 2, 0.4, seed=3)
    stream = codec.encode(photo, quality=0.3)
    first, again = (list(codec.decode(stream, settings))[-1].image for _ in range(2))
    np.testing.assert_array_equal(first, again)
