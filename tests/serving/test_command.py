"""``python -m pipeline.serving``, as somebody starts and ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

import app
from pipeline.codec import Codec
from pipeline.pictures import load_image

pytest_plugins = ["tests.app_fixtures"]
ROOT = Path(__file__).parents[2]
START_SECONDS = 180


def test_wrong_numbers_are_refused():
    pytest.importorskip("ray", reason="Ray is not installed (requirements-serve.txt)")
    command = [sys.executable, "-m", "pipeline.serving", "--workers", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "at least one worker" in done.stderr


def test_what_belongs_to_the_workers_is_refused_of_a_page_that_joins_them():
    pytest.importorskip("ray", reason="Ray is not installed (requirements-serve.txt)")
    command = [sys.executable, "-m", "pipeline.serving", "--join", "--gpus", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "starts the workers" in done.stderr


def test_it_serves_the_page_until_it_is_told_to_end(codec: Codec, photo: Path):
    pytest.importorskip("ray", reason="Ray is not installed (requirements-serve.txt)")
    port = app.free_port()
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "pipeline.serving", "--workers", "1", "--max-workers", "2", "--cores", "0.5"]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)}
    served = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert _answers(url, served)
        client = Client(url, verbose=False)
        settings = {"rate": "quality", "quality": 0.3, "decoder": "flow", "steps": 2, "seed": 1, "quality_map": "even"}
        *_, stream, _ = client.predict(handle_file(str(photo)), **settings, api_name="/compress")
        assert Path(stream).read_bytes() == codec.encode(load_image(photo), quality=0.3)
    finally:
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0


def _answers(url: str, served: "subprocess.Popen[bytes]") -> bool:
    """Whether the page comes up."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and served.poll() is None:
        try:
            return httpx.get(url).status_code == 200
        except httpx.TransportError:
            time.sleep(0.5)
    return False
