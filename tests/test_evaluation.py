"""The measuring programs: rows are complete, an interrupted run continues, damage is counted."""

import itertools
import json
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from typer.testing import CliRunner

from pipeline.codec import Codec
from pipeline.comparison.catalogue import autoencoder, coarse, plain, plain_smaller, repaint
from pipeline.errors import ImageError, SettingsError
from pipeline.evaluation import cli, engines, quality, speed, streaks
from pipeline.evaluation.bd import saving
from pipeline.evaluation.plots import (
    Mark,
    distortion_perception,
    rate_curves,
    shift_curves,
    steps_curves,
    ultralow_curves,
)
from pipeline.evaluation.profiling import profile_all
from pipeline.evaluation.results import ABLATIONS, KODAK_RESULTS, ULTRALOW_RESULTS, Results, Row, load_results
from pipeline.evaluation.studies import (
    Study,
    all_studies,
    reconstruction_methods,
    repaints_and_controls,
    ultralow_studies,
)
from pipeline.evaluation.tables import ablation_table, saving_table, yardstick_table
from pipeline.evaluation.yardsticks import judged, yardsticks
from pipeline.metrics import Scores, psnr
from pipeline.settings import DEFAULT_SETTINGS, Decoder, DecodeSettings, Precision, SystemName
from pipeline.ultralow.ablation import Part
from tests.conftest import synthetic_picture


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for index, path in enumerate(paths):
        synthetic_picture(96, 64, index).save(path)
    return paths


@pytest.fixture(autouse=True)
def without_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    def scores(original: np.ndarray, picture: np.ndarray) -> Scores:
        return Scores(psnr(original, picture), 0.9, 0.1)

    monkeypatch.setattr(quality, "measure", scores)
    monkeypatch.setattr(quality, "patch_features", lambda picture: torch.from_numpy(picture[::9, ::9, 0].astype("f4")))


def test_rows_and_resumption(codec: Codec, pictures: list[Path], tmp_path: Path) -> None:
    settings = DecodeSettings(Decoder.FLOW, 4, 0.5)
    methods = reconstruction_methods() + repaints_and_controls([settings])
    out = tmp_path / "rows.json"
    first = next(quality.evaluate(codec, pictures, [0.5], methods, out))
    rows = {row.method: row for row in quality.evaluate(codec, pictures, [0.5], methods, out)}
    assert first.method not in rows and len(rows) == len(methods) - 1
    results = load_results(out)
    assert [row.method for row in results.rows] == [method.name for method in methods]
    (painted,), (control,) = results.select("flow", 0.5), results.select("matched grain", 0.5)
    assert (painted.steps, painted.noise_level) == (4, 0.5)
    assert control.psnr == pytest.approx(painted.psnr, abs=0.05)
    assert painted.bpp == results.select("autoencoder")[0].bpp <= 0.5


def test_yardsticks_are_further_columns_of_the_same_rows(codec: Codec, tmp_path: Path) -> None:
    pictures = [tmp_path / f"{index}.png" for index in range(2)]
    for index, path in enumerate(pictures):
        synthetic_picture(144, 128, index).save(path)
    out = tmp_path / "rows.json"
    further = partial(yardsticks, steps=2)
    (row,) = quality.evaluate(codec, pictures, [0.5], [autoencoder()], out, further=further)
    assert row.wasserstein is not None and row.wasserstein > 0 and row.mdsi is not None and row.mdsi > 0
    assert row.auc is not None and 0 <= row.auc <= 1
    assert row.grid is not None and sum(kind["patches"] for kind in row.grid.values()) == 2
    assert load_results(out).rows == [row]
    table = yardstick_table(load_results(out))
    assert f"| {row.wasserstein:.2f} | {row.auc:.3f} |" in table and "autoencoder" in table


def test_rows_of_quality_are_measured_again_for_yardsticks(codec: Codec, pictures: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    deque(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out), maxlen=0)
    rows = quality.evaluate(codec, pictures, [0.5], [autoencoder()], out, further=lambda *_: {"wasserstein": 1.0})
    (row,) = rows
    assert load_results(out).rows == [row] and row.wasserstein == 1.0
    assert not list(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out))


def test_rows_by_another_distilled_network_are_not_kept(
    codec: Codec, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "network_in_use", lambda: quality.DISTILLED)
    out = tmp_path / "rows.json"
    assert len(list(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out))) == 1
    state = json.loads(out.read_text(encoding="utf-8"))
    state["weights"]["lpips"] = "00000000"
    out.write_text(json.dumps(state), encoding="utf-8")
    assert len(list(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out))) == 1


def test_rows_without_yardsticks_are_not_in_their_table(results: Results) -> None:
    assert len(yardstick_table(results).splitlines()) == 2


def test_streaks_of_every_method_stand_beside_the_photographs(codec: Codec, pictures: list[Path]) -> None:
    found = streaks.shares(codec, pictures, 0.3)
    assert list(found)[:2] == [streaks.ORIGINALS, "autoencoder"]
    assert "AVIF (speed 6, tune iq)" in found
    assert all(0 < share < 1 for share in found.values())


@pytest.mark.parametrize("system", SystemName)
def test_yardsticks_judge_the_decoders_beside_grain(system: SystemName) -> None:
    methods = judged(system)
    assert len({method.name for method in methods}) == len(methods)
    assert {"diffusion", "grain"} <= {method.family for method in methods}


def test_a_plain_codec_is_added_without_a_stream(
    codec: Codec, pictures: list[Path], tmp_path: Path, monkeypatch
) -> None:
    out = tmp_path / "rows.json"
    before = list(quality.evaluate(codec, pictures, [0.5], [autoencoder(), plain("webp")], out))
    monkeypatch.setattr(Codec, "encode", None)
    (row,) = quality.evaluate(codec, pictures, [0.5], [plain("webp"), plain("jxl")], out)
    assert row.family == "jxl" and row.method == "JPEG XL (effort 7)"
    assert all(size <= limit for size, limit in zip(row.bpp_each, before[0].bpp_each, strict=True))
    assert load_results(out).rows == [*before, row]


def test_figures_of_others_are_neither_mixed_nor_lost(codec: Codec, pictures: list[Path], tmp_path: Path) -> None:
    out, methods = tmp_path / "rows.json", [autoencoder()]
    list(quality.evaluate(codec, pictures, [0.5], methods, out))
    before = out.read_bytes()
    for others, system in ((pictures[::-1], SystemName.STANDARD), (pictures[:1], SystemName.STANDARD)):
        with pytest.raises(SettingsError, match="other pictures"):
            list(quality.evaluate(codec, others, [0.5], methods, out, system))
    with pytest.raises(SettingsError, match="another codec"):
        list(quality.evaluate(codec, pictures, [0.2], [coarse()], out, SystemName.ULTRALOW))
    other = next(each for each in (Precision.FP32, Precision.BF16) if each is not codec.precision)
    with pytest.raises(SettingsError, match="another precision"):
        list(quality.evaluate(Codec.from_pretrained(precision=other), pictures, [0.5], methods, out))
    assert out.read_bytes() == before


@pytest.mark.parametrize("entry", ["diffusion:25", "brush:1:1", "flow:one:1", "coarse:1:0.5"])
def test_repaints_that_cannot_be_are_wrong_usage(entry: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["quality", "--data", str(tmp_path), "--repaint", entry])
    assert result.exit_code == 2


def test_what_cannot_be_measured_is_said_before_any_work(pictures: list[Path], tmp_path: Path) -> None:
    (alone := tmp_path / "alone").mkdir()
    Image.open(pictures[0]).save(alone / "one.png")
    runner = CliRunner()
    for arguments in ("yardsticks", "--data", str(alone)), ("campaign", str(alone)):
        assert runner.invoke(cli.app, arguments).exit_code == 2
    (tmp_path / "notes.txt").write_text("no picture")
    result = runner.invoke(cli.app, ["scaling", "--picture", str(tmp_path / "notes.txt")])
    assert isinstance(result.exception, ImageError)


def test_ultralow_rows_stand_beside_shrunken_conventional_pictures(
    codec: Codec, pictures: list[Path], tmp_path: Path
) -> None:
    settings = DEFAULT_SETTINGS[SystemName.ULTRALOW]
    methods = [coarse(), repaint(settings), plain_smaller("webp", 4)]
    system = SystemName.ULTRALOW
    rows = list(quality.evaluate(codec, pictures, [0.2], methods, tmp_path / "rows.json", system))
    assert [row.family for row in rows] == ["coarse", "diffusion", "webp"]
    assert rows[0].bpp == rows[1].bpp >= rows[2].bpp
    results = load_results(tmp_path / "rows.json")
    assert set(results.weights) == {"ultralow", "vae", "painter", "lpips"}
    assert _lines(ultralow_curves(results, "psnr")) == {"coarse picture": 1, "diffusion": 1}
    everything = ["coarse", "diffusion", "webp"]
    for weights, made_again in (("painter", ["diffusion"]), ("vae", everything[:2]), ("lpips", everything)):
        results = load_results(tmp_path / "rows.json")
        results.weights[weights] = "other"
        results.save(tmp_path / "rows.json")
        again = list(quality.evaluate(codec, pictures, [0.2], methods, tmp_path / "rows.json", system))
        assert [row.family for row in again] == made_again


def test_rows_of_other_weights_are_not_kept(codec: Codec, pictures: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    assert len(list(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out))) == 1
    assert not list(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out))
    results = load_results(out)
    results.weights["autoencoder"] = "other"
    results.save(out)
    assert len(list(quality.evaluate(codec, pictures, [0.5], [autoencoder()], out))) == 1


@pytest.mark.parametrize(("committed", "studies"), [(KODAK_RESULTS, all_studies), (ULTRALOW_RESULTS, ultralow_studies)])
def test_committed_rows_are_methods_of_the_studies(committed: Path, studies: Callable[[], list[Study]]) -> None:
    measured = {(rate, method.name): method for study in studies() for rate in study.rates for method in study.methods}
    for row in load_results(committed).rows:
        method = measured[row.rate, row.method]
        settings = method.settings or SimpleNamespace(num_inference_steps=None, noise_level=None, shift=None)
        assert (row.family, row.sigma) == (method.family, method.sigma)
        wanted = settings.num_inference_steps, settings.noise_level, settings.shift
        assert (row.steps, row.noise_level, row.shift) == wanted


def _row(family: str, rate: float, psnr_db: float, lpips: float, **settings) -> Row:
    name = f"{family} {settings}" if settings else family
    return Row(rate, name, family, rate, psnr_db, psnr_db / 40, lpips, lpips, 10.0, [], [], [], **settings)


@pytest.fixture
def results() -> Results:
    """A made-up set in which the autoencoder needs exactly 0.8 times the bits of WebP."""
    found = Results(2, "LPIPS (made up)", {})
    for rate in (0.12, 0.25, 0.5, 0.9):
        quality_at = 30 + 6 * np.log2(rate)
        found.rows += [
            _row("webp", rate, quality_at, 0.2),
            _row("autoencoder", rate, quality_at + 6 * np.log2(1.25), 0.15),
            *(_row("grain", rate, quality_at, 0.1 * sigma, sigma=float(sigma)) for sigma in (1, 2)),
            _row("diffusion", rate, quality_at, 0.12, steps=50, noise_level=0.5),
        ]
    found.rows += [_row("diffusion", 0.25, 27, 0.13, steps=steps, noise_level=0.5) for steps in (1, 4)]
    found.rows += [_row("flow", 0.25, 27, 0.13, steps=4, noise_level=noise) for noise in (0.3, 0.7)]
    shifted = [(shift, noise) for shift in (0.5, 1.0, 2.0) for noise in (0.5, 1.0)]
    found.rows += [
        _row("shifted diffusion", 0.25, 27, 0.1 * shift, steps=4, noise_level=noise, shift=shift)
        for shift, noise in shifted
    ]
    return found


def test_saving_in_bits(results: Results) -> None:
    found = saving(results, "autoencoder", "webp")
    assert found.bd_rate == pytest.approx(-20, abs=0.5)
    assert found.bd_psnr == pytest.approx(6 * np.log2(1.25), abs=0.05)
    assert found.bd_lpips == pytest.approx(-0.05, abs=1e-3)
    assert found.bd_rate_ms_ssim == pytest.approx(-20, abs=0.5)
    assert saving(results, "autoencoder", "avif") is None
    assert "| even | WebP | -20.0 % | -20.0 % |" in saving_table(results) and "AVIF" not in saving_table(results)


@pytest.mark.parametrize("dark", [False, True])
def test_plots_show_what_was_measured(results: Results, dark: bool) -> None:
    mark = Mark("this picture", 0.3, 29.0, None, 8)
    assert _lines(rate_curves(results, "psnr", mark, dark)) == {"WebP": 4, "autoencoder": 4, "this picture": 1}
    curves = _lines(rate_curves(results, "lpips", mark, dark))
    assert curves["diffusion"] == 4 and curves["plain grain (control)"] == 4 and "this picture" not in curves
    assert _lines(steps_curves(results, dark=dark))["diffusion, noise 0.5"] == 3
    assert _lines(distortion_perception(results, dark=dark))["rectified flow"] == 3
    shifts = _lines(shift_curves(results, dark))
    assert shifts["diffusion, noise 0.5"] == shifts["diffusion, noise 1"] == 3


def test_plots_go_without_the_grain_that_was_not_measured(results: Results) -> None:
    results.rows = [row for row in results.rows if row.family != "grain"]
    assert _lines(steps_curves(results))["diffusion, noise 0.5"] == 3
    assert _lines(shift_curves(results))["diffusion, noise 1"] == 3


def _lines(figure: Figure) -> dict[str, int]:
    return {line.get_label(): len(line.get_xdata()) for line in figure.axes[0].lines}


@pytest.mark.parametrize("path", [KODAK_RESULTS, ULTRALOW_RESULTS], ids=lambda path: path.stem)
def test_shipped_figures_are_of_the_shipped_weights(codec: Codec, path: Path) -> None:
    results = load_results(path)
    assert results.pictures == 24
    assert results.weights == {name: codec.fingerprint(name) for name in results.weights}


def test_the_ablation_table_has_a_line_for_each_part() -> None:
    variants = {path.stem: load_results(path) for path in ABLATIONS.glob("*.json")}
    table = ablation_table(variants)
    for name in ("whole", *(f"without-{part}" for part in Part)):
        assert f"| {name} | 0.0" in table


def test_a_profile_tells_the_parts_apart(codec: Codec) -> None:
    settings = DecodeSettings(Decoder.DIFFUSION, 2, 0.4)
    compress, decode, paint = profile_all(codec, synthetic_picture(96, 64), 0.5, settings)
    assert {name for name, seconds in compress.parts.items() if seconds} == {
        "padding, grain", "rate model", "analysis", "hyper-networks", "context networks", "rounding", "entropy coder",
    }  # fmt: skip
    assert decode.parts["synthesis"] > 0 == decode.parts["analysis"]
    assert paint.parts["painter's network"] > 0 < paint.parts["metrics"] and paint.parts["PNG"] > 0
    for profile in (compress, decode, paint):
        assert sum(profile.parts.values()) <= profile.seconds
        assert str(profile).startswith(profile.name) and "the rest" in str(profile)


def test_engines_are_timed_beside_the_network_as_it_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_ENGINES", {"twice": lambda network, inputs: lambda given: 2 * network(given)})
    monkeypatch.setattr(engines, "_installed", lambda engine: True)
    (timing,) = engines.time_engines(synthetic_picture(100, 100), repeats=1)
    assert timing.engine == "twice" and timing.difference > 1
    assert timing.start_seconds < timing.seconds and timing.ratio > 0


def test_speeds_are_ratios_to_the_yardstick_beside_them_in_every_fast_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slowing_down = itertools.count(1)
    monkeypatch.setattr(speed, "fast_precisions", lambda device: [Precision.FP32, Precision.BF16])
    monkeypatch.setattr(speed, "seconds_of", lambda function: 0.5 * 2 ** (next(slowing_down) // 2))
    timings = list(speed.time_all(synthetic_picture(100, 100), repeats=1, others=False))
    assert {timing.ratio for timing in timings} == {2.0}
    assert all(timing.megapixels_per_second == 0.01 / timing.seconds for timing in timings)
    evaluations = [timing for timing in timings if timing.name == "one U-Net evaluation"]
    assert [timing.precision for timing in evaluations] == [Precision.FP32, Precision.BF16]
