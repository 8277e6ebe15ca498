"""How long visitors wait for a free worker, by simulation: ``python -m pipeline.serving.simulate``.

Visits come at random (Poisson), wait in one line, and hold a worker for as long as a measured visit takes on one core:
the queue M/G/c. Prints what 10, 1,000 and 100,000 visitors an hour need, and how waiting falls with more workers.
"""

import argparse
import heapq
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.files import atomic_path
from pipeline.serving.costs import Costs, load_costs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (10, 1_000, 100_000)
"""Visitors an hour."""
HOURLY = 1_000
"""Of the table of waiting."""
PATIENCE_SECONDS = 5.0
"""19 of 20 visitors shall wait no longer for a worker."""
VISITS = 40_000
"""Of a simulation. The first tenth, which finds all workers free, does not count."""
PAGE_LOAD = 0.7
"""Share of its one core that a page may be kept busy: above it previews begin to lag."""
CORES, MEMORY = 32, 64e9
"""Of one machine of the table."""

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Waiting:
    """Seconds that visitors wait for a worker."""

    mean: float
    p95: float
    busy: float
    """Mean share of the workers that are at work."""


def waits(arrivals: Seconds, services: Seconds, workers: int) -> Seconds:
    """The wait of every visit in a line before ``workers``, first come, first served.

    Args:
        arrivals: when they come, rising.
        services: how long each holds its worker.
    """
    free = [0.0] * workers
    waited = np.empty_like(arrivals)
    for index, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        began = max(arrival, free[0])
        waited[index] = began - arrival
        heapq.heapreplace(free, began + service)
    return waited


def simulate(costs: Costs, hourly: float, workers: int, visits: int = VISITS, seed: int = 0) -> Waiting:
    """Waiting of ``visits`` that come ``hourly`` times an hour."""
    dice = np.random.default_rng(seed)
    arrivals = dice.exponential(3600 / hourly, visits).cumsum()
    kinds = [visit.worker_seconds + visit.page_seconds for visit in costs.visits]
    services = dice.choice(kinds, visits, p=[visit.share for visit in costs.visits])
    waited = waits(arrivals, services, workers)[visits // 10 :]
    return Waiting(float(waited.mean()), float(np.quantile(waited, 0.95)), offered(costs, hourly) / workers)


def offered(costs: Costs, hourly: float) -> float:
    """Workers that would be busy all the time: visits a second times seconds of a visit."""
    return hourly / 3600 * (costs.mean("worker_seconds") + costs.mean("page_seconds"))


def workers_needed(costs: Costs, hourly: float) -> int:
    """The least number of workers with which 19 of 20 visitors wait at most `PATIENCE_SECONDS`."""
    low, high = math.floor(offered(costs, hourly)), math.ceil(offered(costs, hourly)) + 1
    while simulate(costs, hourly, high).p95 > PATIENCE_SECONDS:
        low, high = high, high + max(1, high // 4)
    while high - low > 1:
        middle = (low + high) // 2
        if simulate(costs, hourly, middle).p95 > PATIENCE_SECONDS:
            low = middle
        else:
            high = middle
    return high


def visits_table(costs: Costs) -> Iterator[str]:
    """What one visitor costs, in Markdown."""
    yield "| visit | share | worker, CPU-s | page, CPU-s | MB from browser | MB to browser | MB page ↔ worker |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for visit in costs.visits:
        megabytes = (visit.received_bytes / 1e6, visit.sent_bytes / 1e6, visit.moved_bytes / 1e6)
        figures = " | ".join(f"{each:.1f}" for each in (visit.worker_seconds, visit.page_seconds, *megabytes))
        yield f"| {visit.name} | {visit.share:.0%} | {figures} |"


def needs_table(costs: Costs) -> Iterator[str]:
    """What every rate of visitors needs, in Markdown."""
    yield (
        "| visitors an hour | workers | busy | wait, mean s | wait, 95 % s | pages | machines | memory, GB | "
        "Mbit/s to browsers | Mbit/s page ↔ workers |"
    )
    yield f"|{' --- |' * 10}"
    for hourly in RATES:
        workers = workers_needed(costs, hourly)
        waiting = simulate(costs, hourly, workers)
        pages = math.ceil(hourly / 3600 * costs.mean("page_seconds") / PAGE_LOAD)
        memory = workers * costs.worker_memory + pages * costs.page_memory
        machines = max(math.ceil((workers + pages) / CORES), math.ceil(memory / MEMORY))
        megabits = [hourly / 3600 * costs.mean(field) * 8e-6 for field in ("sent_bytes", "moved_bytes")]
        yield (
            f"| {hourly:,} | {workers} | {waiting.busy:.0%} | {waiting.mean:.1f} | {waiting.p95:.1f} | {pages} | "
            f"{machines} | {memory / 1e9:,.0f} | {megabits[0]:,.1f} | {megabits[1]:,.1f} |"
        )


def curve(costs: Costs, hourly: float) -> list[tuple[int, Waiting]]:
    """Waiting by workers, from the first number that keeps up until hardly anybody waits."""
    points = []
    workers = math.floor(offered(costs, hourly)) + 1
    while True:
        points.append((workers, simulate(costs, hourly, workers)))
        if points[-1][1].p95 < 0.1:
            return points
        workers += max(1, workers // 50)


def waiting_table(costs: Costs, hourly: int) -> Iterator[str]:
    """`curve` in Markdown."""
    yield "| workers | busy | wait, mean s | wait, 95 % s |"
    yield "| --- | --- | --- | --- |"
    for workers, waiting in curve(costs, hourly):
        yield f"| {workers} | {waiting.busy:.0%} | {waiting.mean:.1f} | {waiting.p95:.1f} |"


def tables(costs: Costs, hourly: int) -> list[str]:
    """All of them, each as lines in one text."""
    return ["\n".join(table) for table in (visits_table(costs), needs_table(costs), waiting_table(costs, hourly))]


def in_page(page: str, tables: list[str]) -> str:
    """A page in Markdown with these tables in place of those that have the same heading."""
    for table in tables:
        heading = table.partition("\n")[0]
        old = re.compile(rf"^{re.escape(heading)}\n(\|.*\n)*", re.MULTILINE)
        page = old.sub(f"{table}\n".replace("\\", r"\\"), page)
    return page


def plot(costs: Costs, hourly: int) -> "Figure":
    """`curve` as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    points = curve(costs, hourly)
    workers = [number for number, _ in points]
    axes.plot(workers, [waiting.p95 for _, waiting in points], marker="o", label="95 %")
    axes.plot(workers, [waiting.mean for _, waiting in points], marker="o", label="mean")
    axes.axhline(PATIENCE_SECONDS, linestyle=":", color="grey")
    axes.set(xlabel="workers", ylabel="seconds of waiting", yscale="symlog", title=f"{hourly:,} visitors an hour")
    axes.legend()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hourly", type=int, default=HOURLY, help=f"visitors an hour of the last table ({HOURLY})")
    parser.add_argument("--page", type=Path, help="put the tables into this page, in place of those that are there")
    parser.add_argument("--plot", type=Path, help="draw the last table to this file (.png, .svg)")
    options = parser.parse_args()
    costs = load_costs()
    made = tables(costs, options.hourly)
    print("\n\n".join(made))
    if options.page:
        with atomic_path(options.page) as partial:
            partial.write_text(in_page(options.page.read_text(encoding="utf-8"), made), encoding="utf-8")
    if options.plot:
        with atomic_path(options.plot) as partial:
            plot(costs, options.hourly).savefig(partial, format=options.plot.suffix.removeprefix(".") or "png")


if __name__ == "__main__":
    main()
