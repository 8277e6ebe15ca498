"""The grain estimate that the header carries."""

import pytest
import torch

from pipeline.grain import channel_deviation, grain_code, grain_level, sensor_grain

LUMA_SHARE = 0.668
"""Standard deviation of the luma of equal independent noise in red, green and blue."""


def _scene(height: int = 96, width: int = 160) -> torch.Tensor:
    ramp = torch.linspace(0.2, 0.8, width).expand(1, 3, height, width).clone()
    ramp[..., : height // 2, : width // 3] = torch.rand(3, height // 2, width // 3)  # a busy corner
    return ramp


@pytest.mark.parametrize("sigma", [0.0, 1.0, 3.0, 6.0])
def test_noise_is_measured_where_the_picture_is_smooth(sigma: float) -> None:
    torch.manual_seed(0)
    scene = _scene()
    level = grain_level(scene + sigma / 255 * torch.randn_like(scene)).item()
    assert level == pytest.approx(LUMA_SHARE * sigma, rel=0.12, abs=0.05)


def test_clipped_blocks_do_not_hide_the_grain() -> None:
    torch.manual_seed(0)
    scene = _scene()
    scene[..., 40:, :] = 1.0
    noisy = (scene + 3 / 255 * torch.randn_like(scene)).clamp(0, 1)
    assert grain_level(noisy).item() > 0.8 * LUMA_SHARE * 3


def test_each_picture_of_a_batch_has_its_own_level() -> None:
    torch.manual_seed(0)
    noise = torch.randn(2, 3, 64, 64) * torch.tensor([1.0, 4.0])[:, None, None, None] / 255
    both = grain_level(0.5 + noise)
    torch.testing.assert_close(both[1:], grain_level(0.5 + noise[1:]))
    assert both[1] > 3 * both[0]


@pytest.mark.parametrize("picture", [torch.zeros(1, 3, 64, 64), torch.rand(1, 3, 8, 8), torch.rand(1, 3, 40, 17)])
def test_pictures_without_a_usable_block_have_none(picture: torch.Tensor) -> None:
    assert grain_code(picture) == 0


def test_code_fits_a_byte() -> None:
    assert grain_code(torch.rand(1, 3, 64, 64)) == 255


def test_sensor_grain_of_a_level_has_that_level() -> None:
    grain = sensor_grain(torch.Size((1, 3, 256, 256)), torch.Generator().manual_seed(0))
    torch.testing.assert_close(grain.std((0, 2, 3)), torch.ones(3), atol=0.02, rtol=0)
    assert grain_level(0.5 + channel_deviation(torch.tensor(2.5)) * grain).item() == pytest.approx(2.5, rel=0.1)
