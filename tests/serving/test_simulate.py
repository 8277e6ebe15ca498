"""The queue against theory, and the page of the plan against its command."""

import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.serving import simulate
from pipeline.serving.costs import Costs, Visit, load_costs, save_costs

ROOT = Path(__file__).parents[2]


def _costs(*seconds: float) -> Costs:
    visits = tuple(Visit(f"{each} s", 1 / len(seconds), 1.0, each, 0.0, 1, 1, 1) for each in seconds)
    return Costs("none", 1, 1, visits)


def _erlang_c(load: float, workers: int) -> float:
    """The probability that a visitor has to wait in the queue M/M/c."""
    waiting = load**workers / math.factorial(workers) * workers / (workers - load)
    return waiting / (sum(load**each / math.factorial(each) for each in range(workers)) + waiting)


def test_a_line_of_three_before_one_worker():
    waited = simulate.waits(np.array([0.0, 1.0, 10.0]), np.array([3.0, 3.0, 3.0]), 1)
    assert waited.tolist() == [0.0, 2.0, 0.0]


@pytest.mark.parametrize(("load", "workers"), [(0.7, 1), (1.5, 2), (8.0, 10)])
def test_waiting_agrees_with_erlangs_formula(load: float, workers: int):
    dice = np.random.default_rng(0)
    count = 400_000
    waited = simulate.waits(dice.exponential(1 / load, count).cumsum(), dice.exponential(1, count), workers)
    assert waited.mean() == pytest.approx(_erlang_c(load, workers) / (workers - load), rel=0.05)


def test_equal_visits_wait_half_as_long_as_random_ones():
    waiting = simulate.simulate(_costs(1.0), 3600 * 0.7, 1, 200_000)
    assert waiting.mean == pytest.approx(0.7 / (2 * 0.3), rel=0.05), "Pollaczek and Khinchin"


def test_the_workers_needed_are_just_enough():
    costs = _costs(2.0, 8.0)
    workers = simulate.workers_needed(costs, 2_000)
    waits = [simulate.simulate(costs, 2_000, each).p95 for each in (workers - 1, workers)]
    assert waits[0] > simulate.PATIENCE_SECONDS >= waits[1]


def test_costs_come_back_as_they_were_written(tmp_path: Path):
    costs = _costs(1.5, 2.0)
    save_costs(costs, tmp_path / "costs.json")
    assert load_costs(tmp_path / "costs.json") == costs


def test_the_shares_of_the_committed_visits_make_one():
    assert sum(visit.share for visit in load_costs().visits) == pytest.approx(1)


def test_the_plan_has_the_tables_of_its_command():
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    made = simulate.tables(load_costs(), simulate.HOURLY)
    assert all(table in text for table in made), "run python -m pipeline.serving.simulate --page docs/scale.md"


def test_tables_take_the_place_of_those_with_their_heading():
    page = "# Title\n\n| a |\n| --- |\n| old |\n| older |\n\nText.\n"
    assert simulate.in_page(page, ["| a |\n| --- |\n| new |"]) == "# Title\n\n| a |\n| --- |\n| new |\n\nText.\n"


def test_waiting_is_drawn():
    assert simulate.plot(_costs(2.0), 1_000).axes[0].lines[0].get_xdata().size > 1
