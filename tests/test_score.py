"""Stage 2 with tiny random networks: schedules, samplers against an oracle, tiles, determinism."""

import math
from typing import Any

import pytest
import torch

from pipeline.layers.lapped import BLOCK
from pipeline.layers.quality import CELL
from pipeline.layers.unsent import UNSENT_PLANES
from pipeline.score import DiffusionDecoder, FlowDecoder, ScoreDecoder
from pipeline.score.network import make_condition
from pipeline.score.scale import SCALE_REACH
from pipeline.score.schedule import alpha_sigma, diffusion_scheduler, log_snr, time_at_shift
from pipeline.tiles import Tile, map_tiles

GRAIN = 1.5
QUALITY = torch.full((1, 1, 1, 1), 0.4)
TINY = {"block_out_channels": (16, 32), "layers_per_block": 1, "scale_channels": 8}


KINDS = [(model, kind) for model in (DiffusionDecoder, FlowDecoder) for kind in ("v_prediction", "sample")]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0].__name__}-{kind[1]}")
def decoder(request: pytest.FixtureRequest) -> ScoreDecoder:
    torch.manual_seed(0)
    model, kind = request.param
    return model(**TINY, prediction_type=kind, told_unsent=kind == "sample").eval()


def _picture(height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def _unsent(x_hat: torch.Tensor) -> torch.Tensor:
    size = [side // BLOCK for side in x_hat.shape[2:]]
    return torch.rand(1, UNSENT_PLANES, *size, generator=torch.Generator().manual_seed(3))


def _samples(decoder: ScoreDecoder, x_hat: torch.Tensor, steps: int, noise_level: float, seed: int = 0) -> list:
    generator = torch.Generator().manual_seed(seed)
    return list(decoder.sample(x_hat, QUALITY, _unsent(x_hat), GRAIN, steps, noise_level, generator))


def test_shift_below_one_means_less_noise() -> None:
    time = torch.tensor([0.25, 0.5, 0.75])
    torch.testing.assert_close(log_snr(time, 1.0), -2 * torch.log(torch.tan(math.pi / 2 * time.double())))
    assert (log_snr(time, 0.5) > log_snr(time, 1.0)).all()
    alpha, sigma = alpha_sigma(torch.linspace(0, 1, 11), 0.5)
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones(11))


def test_a_shifted_schedule_has_the_noise_of_another_time() -> None:
    time = torch.tensor([0.1, 0.5, 0.9, 1.0])
    torch.testing.assert_close(log_snr(time_at_shift(time, 2.0, 0.5), 0.5), log_snr(time, 2.0))
    torch.testing.assert_close(time_at_shift(time, 0.5, 0.5), time.double(), atol=1e-7, rtol=0)


def test_shifts_move_the_steps_of_diffusion() -> None:
    diffusion = DiffusionDecoder(**TINY)
    trained, same, less, more = (diffusion.times(8, 0.5, shift) for shift in (None, 0.5, 0.125, 4.0))
    assert trained == same == [round(0.0625 * step, 3) for step in range(8, 0, -1)]
    assert all(a < b < c for a, b, c in zip(less, trained, more, strict=True))
    assert diffusion.times(4, 1.0, 4.0)[0] == diffusion.times(4, 1.0)[0] == 1.0
    assert len(set(diffusion.times(100, 1.0, 1 / 16))) == len(diffusion.times(100, 1.0, 1 / 16)) <= 100


def test_scheduler_carries_the_schedule_exactly() -> None:
    scheduler = diffusion_scheduler(0.5)
    alpha, _ = alpha_sigma(torch.arange(1, 1001) / 1000, 0.5)
    torch.testing.assert_close(scheduler.alphas_cumprod.sqrt(), alpha, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("shift", [None, 2.0])
@pytest.mark.parametrize("steps", [1, 2, 7, 30, 100])
@pytest.mark.parametrize("noise_level", [0.2, 1.0])
def test_samplers_reach_what_an_oracle_predicts(
    decoder: ScoreDecoder, steps: int, noise_level: float, shift: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    walk = list(decoder.walk(decoder.times(steps, noise_level, shift)))

    def oracle(self: ScoreDecoder, x: torch.Tensor, condition: torch.Tensor, time: float, quality: torch.Tensor):
        a, b = next(step.clean_weights for step in walk if abs(step.time - time) < 1e-6)
        return (truth - a * x) / b

    monkeypatch.setattr(ScoreDecoder, "_evaluate", oracle)
    x_hat = _picture()
    generator = torch.Generator().manual_seed(0)
    *_, last = decoder.sample(x_hat, QUALITY, _unsent(x_hat), GRAIN, steps, noise_level, generator, shift)
    scale = decoder.scale(x_hat, QUALITY, torch.tensor([GRAIN]))
    torch.testing.assert_close((last.picture - x_hat) / scale, truth, atol=2e-3, rtol=1e-3)
    assert last.step == last.total == steps and last.sigma == 0


def test_same_seed_same_picture(decoder: ScoreDecoder) -> None:
    first, again, other = (_samples(decoder, _picture(), 3, 0.5, seed)[-1].picture for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_emphasis_multiplies_what_is_painted() -> None:
    torch.manual_seed(0)
    plain = DiffusionDecoder(**TINY, prediction_type="sample").eval()
    strong = DiffusionDecoder(**TINY, prediction_type="sample", emphasis=1.5).eval()
    strong.load_state_dict(plain.state_dict())
    x_hat = _picture()
    for noise_level, strength in ((1.0, 1.5), (0.2, 1.1)):
        one, other = (_samples(decoder, x_hat, 3, noise_level) for decoder in (plain, strong))
        for before, after in zip(one, other, strict=True):
            expected = x_hat + strength * (before.picture - x_hat)
            torch.testing.assert_close(after.picture, expected, atol=1e-5, rtol=1e-5)


def test_little_noise_stays_near_the_decoded_picture(decoder: ScoreDecoder) -> None:
    if decoder.predicts_sample:
        pytest.skip("only training teaches such a network to paint less from little noise: see test_codec.py")
    x_hat = _picture()
    distances = [(_samples(decoder, x_hat, 4, level)[-1].picture - x_hat).abs().mean() for level in (0.01, 0.3, 1.0)]
    assert distances[0] < distances[1] < distances[2]


def test_a_painter_takes_no_step_after_half_of_the_way(decoder: ScoreDecoder) -> None:
    times = decoder.times(10, 0.8)
    last = 0.4 if decoder.predicts_sample else 0.08
    assert times[0] == pytest.approx(0.8) and times[-1] == pytest.approx(last) and times == sorted(times, reverse=True)


def test_noise_levels_fall_to_zero(decoder: ScoreDecoder) -> None:
    sigmas = [step.sigma for step in _samples(decoder, _picture(), 5, 0.8)]
    assert sigmas == sorted(sigmas, reverse=True) and sigmas[-1] == 0


def test_tiles_leave_no_seam(decoder: ScoreDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    x_hat = torch.full((1, 3, 320, 320), 0.5)
    monkeypatch.setattr("pipeline.score.decoder.TILE", 192)
    tiled = _samples(decoder, x_hat, 2, 0.7)[-1].picture
    jumps = (tiled[..., 1:] - tiled[..., :-1]).abs().mean((0, 1, 2))
    assert jumps.max() < 1.5 * jumps.median()


def test_strips_change_nothing(decoder: ScoreDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [step.picture for step in _samples(decoder, _picture(128, 64), 3, 0.7)]
    monkeypatch.setattr("pipeline.score.decoder.STRIP", 48)
    strips = [step.picture for step in _samples(decoder, _picture(128, 64), 3, 0.7)]
    assert all(torch.equal(one, other) for one, other in zip(whole, strips, strict=True))


def test_the_scale_of_tiles_is_that_of_the_whole(decoder: ScoreDecoder) -> None:
    x_hat, grains = _picture(256, 320), torch.tensor([GRAIN])
    cells = torch.rand(1, 1, 8, 10, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = decoder.scale(x_hat, cells, grains)
        tiled = map_tiles(
            lambda *parts: decoder.scale(*parts, grains), (x_hat, cells), (1, CELL), 1, size=64, margin=SCALE_REACH
        )
    torch.testing.assert_close(tiled, whole)


def test_training_pair_inverts_to_the_residual(decoder: ScoreDecoder) -> None:
    residual, noise = torch.randn(2, 2, 3, 16, 16).unbind()
    for step in decoder.walk(decoder.times(4, 1.0)):
        x, target = decoder.noised(residual, noise, torch.full((2, 1, 1, 1), step.time))
        torch.testing.assert_close(step.clean(x, target), residual, atol=1e-4, rtol=1e-4)


def test_condition_shape() -> None:
    condition = make_condition(_picture(64, 128), torch.ones(1, 1, 64, 128), torch.tensor([GRAIN]))
    assert condition.shape == (1, 50, 16, 32)
    x_hat = _picture(64, 128)
    condition = make_condition(x_hat, torch.ones(1, 1, 64, 128), torch.tensor([GRAIN]), QUALITY, _unsent(x_hat))
    assert condition.shape == (1, 51 + UNSENT_PLANES, 16, 32)


def test_a_network_that_is_told_more_starts_as_the_one_that_was_not() -> None:
    torch.manual_seed(0)
    before = DiffusionDecoder(**TINY, prediction_type="sample").eval()
    told = DiffusionDecoder(**TINY, prediction_type="sample", told_unsent=True).eval()
    told.start_from(before.state_dict())
    x_hat = _picture()
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    *_, expected = before.sample(x_hat, QUALITY, None, GRAIN, 1, 1.0, generators[0])
    *_, found = told.sample(x_hat, QUALITY, _unsent(x_hat), GRAIN, 1, 1.0, generators[1])
    torch.testing.assert_close(found.picture, expected.picture)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"prediction_type": "sample", "told_unsent": True}, "input channels"),
        ({"prediction_type": "v_prediction"}, "predicts something else"),
        ({"prediction_type": "sample", "block_out_channels": (16, 48)}, "other widths"),
    ],
)
def test_a_network_starts_from_no_other_kind(other: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        DiffusionDecoder(**TINY, prediction_type="sample").start_from(DiffusionDecoder(**TINY | other).state_dict())


def test_a_network_that_is_told_what_was_not_sent_asks_for_it() -> None:
    decoder = DiffusionDecoder(**TINY, prediction_type="sample", told_unsent=True)
    with pytest.raises(ValueError, match="wants to be told"):
        decoder.condition(_picture(), QUALITY, None, torch.tensor([GRAIN]))


def test_a_tile_is_told_what_was_not_sent_there(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = DiffusionDecoder(**TINY, prediction_type="sample", told_unsent=True)
    x_hat, grains = _picture(256, 320), torch.tensor([GRAIN])
    cells, scale = QUALITY.expand(-1, -1, 8, 10), torch.ones(1, 1, 256, 320)
    whole = decoder._condition(x_hat, scale, grains, cells, _unsent(x_hat))
    monkeypatch.setattr("pipeline.score.decoder.TILE", 192)
    part = decoder._conditions(x_hat, scale, cells, _unsent(x_hat), grains)(Tile(64, 256, 128, 320))
    assert torch.equal(part, whole[..., 16:64, 32:80])


def test_both_samplers_ask_one_painter_the_same_at_equal_noise() -> None:
    """A state of the flow is one of diffusion's, at another length and time."""
    torch.manual_seed(0)
    diffusion, flow = (model(**TINY, prediction_type="sample").eval() for model in (DiffusionDecoder, FlowDecoder))
    flow.load_state_dict(diffusion.state_dict())
    x_hat, residual, noise = _picture(), *torch.randn(2, 1, 3, 64, 64).unbind()
    _, condition = diffusion.condition(x_hat, QUALITY, None, torch.tensor([GRAIN]))
    time = torch.tensor([0.3])
    alpha, sigma = alpha_sigma(time, diffusion.shift)
    equal = sigma / (sigma + alpha * flow.start_noise)
    (x, _), (y, _) = diffusion.noised(residual, noise, time), flow.noised(residual, noise, equal)
    with torch.no_grad():
        expected = diffusion.clean(x, condition, time, QUALITY)
        torch.testing.assert_close(flow.clean(y, condition, equal, QUALITY), expected, atol=1e-4, rtol=1e-4)


def test_a_painter_of_samples_says_what_the_sampler_asks(decoder: ScoreDecoder) -> None:
    residual, noise = torch.randn(2, 1, 3, 16, 16).unbind()
    for time in (0.1, 0.7, 1.0):
        x, target = decoder.noised(residual, noise, torch.full((1, 1, 1, 1), time))
        said = decoder.from_clean(residual, x, torch.tensor([time]))
        torch.testing.assert_close(said, target, atol=1e-4, rtol=1e-4)


def test_save_and_load(decoder: ScoreDecoder, tmp_path) -> None:
    decoder.save_pretrained(tmp_path)
    loaded = type(decoder).from_pretrained(tmp_path, torch_dtype=torch.float32, low_cpu_mem_usage=False).eval()
    x_hat = _picture()
    torch.testing.assert_close(
        _samples(loaded, x_hat, 2, 0.5)[-1].picture, _samples(decoder, x_hat, 2, 0.5)[-1].picture
    )
