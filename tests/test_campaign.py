"""The curve of a training."""

import json
from pathlib import Path

import pytest

from pipeline.evaluation.campaign import campaign_curve


@pytest.mark.parametrize("dark", [False, True])
def test_every_phase_has_a_scale_of_its_own(tmp_path: Path, dark: bool) -> None:
    logs = []
    for name, losses in (("1-first", (5.0, 4.6)), ("2-finish", (4.5, 4.4))):
        logs.append(tmp_path / f"{name}.jsonl")
        logs[-1].write_text("".join(json.dumps({"step": 10 * i, "loss": x}) + "\n" for i, x in enumerate(losses)))
    first, second = campaign_curve(logs, dark).axes
    assert [list(axes.lines[0].get_ydata()) for axes in (first, second)] == [[5.0, 4.6], [4.5, 4.4]]
    assert first.get_ylim() != second.get_ylim()
