"""Hours of training, from work and speed."""

import json
from pathlib import Path

import pytest

from pipeline.training import hours
from pipeline.training.networks import NETWORKS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "training.md"


def test_work_grows_with_the_pixels_of_a_crop(monkeypatch):
    whole = hours.crop_operations("flow", "embedded")
    monkeypatch.setattr(hours, "_CROP", 128)
    assert hours.crop_operations("flow", "embedded") == pytest.approx(whole, rel=0.05)


def test_a_log_tells_the_speed_of_its_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(hours, "crop_operations", lambda network, preset: 1e9)
    crop = NETWORKS["flow"].presets["embedded"].phases[0].crop
    (tmp_path / "training.json").write_text(json.dumps({"batch_size": 4, "crop": 2 * crop}))
    # Resumed after steps 200 and 400: its clock starts anew.
    figures = [(100, 50.0), (200, 100.0), (300, 30.0), (400, 80.0), (500, 90.0), (600, 140.0)]
    lines = [json.dumps({"step": step, "seconds": seconds}) for step, seconds in figures]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    machine = hours.measured(tmp_path, "flow", "embedded")
    assert machine.speed == pytest.approx(4 * 4 * 1e9 / 0.5) and "0.50 s a step" in machine.name


def test_a_log_of_one_line_tells_nothing(tmp_path):
    (tmp_path / "training.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text('{"step": 5, "seconds": 3}\n')
    with pytest.raises(ValueError, match="train for longer"):
        hours.measured(tmp_path, "flow", "embedded")


def test_the_page_has_the_hours_of_the_presets(monkeypatch):
    monkeypatch.setattr(hours, "PRESETS", hours.PRESETS[:3])
    page = PAGE.read_text(encoding="utf-8").splitlines()
    for line in hours.table([hours.ONE_GPU, hours.EIGHT_GPUS]).splitlines()[2:]:
        name, preset, size, work, one, eight = (cell.strip() for cell in line.strip("|").split("|"))
        (stated,) = (row for row in page if row.startswith(f"| {name} | {preset} |"))
        assert [cell.strip() for cell in stated.strip("|").split("|")][2:4] == [size, work]
        assert stated.endswith(f"| {one} | {eight} |")
