"""How the held-out loss of a long training fell, from the logs of its phases."""

import json
from pathlib import Path

from matplotlib.figure import Figure

from pipeline.evaluation.canvas import canvas, inked


def campaign_curve(logs: list[Path], dark: bool = False) -> Figure:
    """Held-out loss against steps, the phases one after the other; each log is a `log.jsonl` of the trainer,
    named after its phase."""
    figure, axes = canvas(dark, "training steps", "held-out loss, lower is better")
    before = 0
    for log in logs:
        records = [json.loads(line) for line in log.read_text().splitlines()]
        steps = [before + record["step"] for record in records]
        axes.plot(steps, [record["loss"] for record in records], marker="o", markersize=3, label=log.stem)
        before = steps[-1]
    inked(axes, dark)
    return figure
