"""The launched page over the shipped checkpoints, for the tests that talk to it from outside."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
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
    url = app.launch(page, server_name="127.0.0.1", server_port=app.free_port(), prevent_thread_lock=True, quiet=True)
    yield ServedApp(url.rstrip("/"), counting)
    page.close(verbose=False)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory, example_pictures: list[Path]) -> Path:
    """A PNG of 176 × 168 pixels cut from the middle of an example photo."""
    with Image.open(next(path for path in example_pictures if path.stem == "cat")) as image:
        left, top = image.width // 2 - 88, image.height // 2 - 84
        path = tmp_path_factory.mktemp("photo") / "cut.png"
        image.convert("RGB").crop((left, top, left + 176, top + 168)).save(path)
    return path
