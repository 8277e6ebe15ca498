"""The launched page over the shipped checkpoints, for the tests that talk to it from outside."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.client import Job
from PIL import Image

import app
from pipeline.codec import Codec


class CountingCodec:
    """The shipped codec, counting how often it is asked to encode."""

    def __init__(self, codec: Codec):
        self._codec = codec
        self.encodes = 0

    def __getattr__(self, name: str):
        return getattr(self._codec, name)

    def encode(self, image: Image.Image, **rate: float) -> bytes:
        self.encodes += 1
        return self._codec.encode(image, **rate)


@dataclasses.dataclass(frozen=True)
class ServedApp:
    url: str
    codec: CountingCodec


@pytest.fixture(scope="session")
def served(codec: Codec) -> Iterator[ServedApp]:
    """The page on a free port; its codec is the ``codec`` fixture."""
    counting = CountingCodec(codec)
    page = app.build_app(lambda: counting)
    yield ServedApp(_serve(page), counting)
    page.close(verbose=False)


class BlockedApp:
    """A page whose codec cannot be had until `release`, so that whatever is asked for waits."""

    QUEUE_SIZE = 4

    def __init__(self, codec: Codec):
        self._gate = threading.Event()
        self._page = app.build_app(lambda: self._gate.wait(60) and codec).queue(max_size=self.QUEUE_SIZE)
        self.url = _serve(self._page)

    def wait_for_queue(self) -> None:
        """Until as many wait as may."""
        deadline = time.monotonic() + 60
        while len(self._page._queue) < self.QUEUE_SIZE and time.monotonic() < deadline:
            time.sleep(0.05)

    def submit(self, photo: Path) -> Job:
        """A run that takes the only place and waits there."""
        settings = {"rate": "quality", "quality": 0.3, "steps": 1}
        return Client(self.url, verbose=False).submit(handle_file(str(photo)), **settings, api_name="/compress")

    def release(self) -> None:
        self._gate.set()

    def close(self) -> None:
        self.release()
        self._page.close(verbose=False)


@pytest.fixture
def blocked(codec: Codec) -> Iterator[BlockedApp]:
    blocked = BlockedApp(codec)
    yield blocked
    blocked.close()


def _serve(page: gr.Blocks) -> str:
    options = {"server_name": "127.0.0.1", "prevent_thread_lock": True, "quiet": True}
    return app.launch(page, server_port=app.free_port(), **options).rstrip("/")


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory, example_pictures: list[Path]) -> Path:
    """A PNG of 176 × 168 pixels cut from the middle of an example photo."""
    with Image.open(next(path for path in example_pictures if path.stem == "cat")) as image:
        left, top = image.width // 2 - 88, image.height // 2 - 84
        path = tmp_path_factory.mktemp("photo") / "cut.png"
        image.convert("RGB").crop((left, top, left + 176, top + 168)).save(path)
    return path
