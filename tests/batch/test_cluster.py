"""Batches on Ray, where it is installed."""

import signal
import sys

import pytest

from pipeline.batch import cluster
from pipeline.errors import SettingsError
from pipeline.processes import Done, Lost
from tests.misbehaving import Doubling


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"requirements-serve\.txt"):
        list(cluster.run(Doubling, [1], 1, {}))


def test_every_task_is_done_once_and_a_crash_costs_its_own():
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        results = list(cluster.run(Doubling, [3, -signal.SIGKILL, 4, 5], 2, {"BITBRUSH_TEST": "7"}))
    finally:
        ray.shutdown()
    assert sorted(result.answer for result in results if isinstance(result, Done)) == [13, 15, 17]
    assert [result.task for result in results if isinstance(result, Lost)] == [-signal.SIGKILL]
