"""A folder in real worker processes."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.batch_bar import ROOT, kill_and_resume, make_pictures
from tests.conftest import EXAMPLES

PICTURES = sorted(path for path in EXAMPLES.iterdir() if path.suffix in {".png", ".jpg", ".webp"})[:1]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """As in the workers; sums in another order may round otherwise."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_killed_run_goes_on_to_the_same_streams(tmp_path):
    folder, out = tmp_path / "photos", tmp_path / "out"
    make_pictures(folder, PICTURES, 12, 1, (72, 48))
    outcome = kill_and_resume(folder, out, 12, 1, ["--quality", "0.3"])
    assert 5 <= outcome.made_before <= 11
    assert (outcome.identical, outcome.different, outcome.half_written) == (11, [], [])
    assert (outcome.reported, outcome.exit_code) == (1, 1)


def test_ctrl_c_leaves_whole_files_and_a_table(tmp_path):
    folder, out = tmp_path / "photos", tmp_path / "out"
    make_pictures(folder, PICTURES, 200, 1, (72, 48))
    command = [sys.executable, "-m", "pipeline", "compress", str(folder), str(out), "--quality", "0.3"]
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        start_new_session=True,
        # As at a terminal, also where the tests run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while len(list(out.rglob("*.bbr"))) < 3:
        assert running.poll() is None
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in said
    streams = len(list(out.rglob("*.bbr")))
    lines = (out / "results.csv").read_text().splitlines()
    assert 3 <= streams < 199 and streams - 1 <= len(lines) - 1 <= streams
    assert not list(out.rglob("*.partial"))
