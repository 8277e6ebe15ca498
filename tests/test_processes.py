"""The worker processes: every task once, a crash or a bad start told from an answer."""

import os
import signal

import pytest

from pipeline.errors import BitbrushError
from pipeline.processes import Done, Lost, run
from tests.misbehaving import Doubling, unable


def test_every_task_is_done_once_and_a_crash_costs_its_own():
    results = list(run(Doubling, [3, -signal.SIGKILL, 4, 5, 6], 2, {"BITBRUSH_TEST": "7"}))
    assert sorted(result.answer for result in results if isinstance(result, Done)) == [13, 15, 17, 19]
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert (lost.task, lost.reason) == (-signal.SIGKILL, "crash (exit code -9)")
    assert "BITBRUSH_TEST" not in os.environ


def test_no_task_needs_no_worker():
    assert list(run(unable, [], 3, {})) == []


def test_a_worker_that_does_not_start_ends_the_run():
    with pytest.raises(BitbrushError, match="fewer workers"):
        list(run(unable, [1, 2], 1, {}))
