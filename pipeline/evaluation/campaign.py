"""How the held-out loss of a long training fell, from the logs of its phases."""

import json
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.evaluation.canvas import inked, panels


def campaign_curve(logs: list[Path], dark: bool = False) -> Figure:
    """Held-out loss against steps; each log is a `log.jsonl` of the trainer, named after its phase.

    Every phase has a scale of its own: it is measured on crops of its own size, and levels cannot be compared.
    """
    figure, axes = panels(dark, "training steps", "held-out loss, lower is better", len(logs))
    for axis, log in zip(axes, logs, strict=True):
        records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        steps = [record["step"] for record in records]
        axis.plot(steps, [record["loss"] for record in records], marker="o", markersize=3, label=log.stem)
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.yaxis.set_major_locator(MaxNLocator(5))
        inked(axis, dark)
    return figure
