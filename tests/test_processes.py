"""The worker processes: every task once, a crash or a bad start told from an answer."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import BitbrushError
from pipeline.processes import Done, Lost, run
from tests.misbehaving import Doubling, unable

ROOT = Path(__file__).resolve().parent.parent


def test_every_task_is_done_once_and_a_crash_costs_its_own():
    results = list(run(Doubling, [3, -signal.SIGKILL, 4, 5, 6], 2, {"BITBRUSH_TEST": "7"}))
    assert sorted(result.answer for result in results if isinstance(result, Done)) == [13, 15, 17, 19]
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert (lost.task, lost.reason) == (-signal.SIGKILL, "crash (exit code -9)")
    assert "BITBRUSH_TEST" not in os.environ


def test_no_worker_outlives_its_parent(tmp_path):
    code = "import sys; from pipeline.processes import run; from tests.misbehaving import Late"
    code += "\nif __name__ == '__main__': list(run(Late, sys.argv[1:], 1, {}))"
    (tmp_path / "main.py").write_text(code)
    late = tmp_path / "late.txt"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(tmp_path / "main.py"), str(late)], env=environment)
    while not late.with_suffix(".begun").exists():
        assert parent.poll() is None
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    time.sleep(3)
    assert not late.exists()


def test_no_task_needs_no_worker():
    assert list(run(unable, [], 3, {})) == []


def test_a_worker_that_does_not_start_ends_the_run():
    with pytest.raises(BitbrushError, match="fewer workers"):
        list(run(unable, [1, 2], 1, {}))
