"""The workers as Ray Serve keeps them: same answers, typed errors, stops, and deaths."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.codec import Codec
from pipeline.errors import SettingsError, StreamError
from pipeline.settings import Decoder, DecodeSettings
from pipeline.ui.engine import Engine
from pipeline.ui.turns import Stopped

pytest.importorskip("ray", reason="Ray is not installed (requirements-serve.txt)")

from pipeline.serving import cluster
from tests.serving import mortal

SETTINGS = DecodeSettings(Decoder.DIFFUSION, 12, 0.4, seed=5)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(mortal.NAME, str(tmp_path_factory.mktemp("workers") / "pid"))
        yield Engine(work=cluster.start(cluster.Scale(2, 2, cores=0.5), mortal.MortalWorker))
        cluster.stop()


@pytest.fixture(scope="module")
def stream(codec: Codec, picture: Image.Image) -> bytes:
    return codec.encode(picture, quality=0.3)


@pytest.fixture(scope="module")
def painted(codec: Codec, stream: bytes) -> list[np.ndarray]:
    """What a worker of one thread paints."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    records = [record.image for record in codec.decode(stream, SETTINGS)]
    torch.set_num_threads(threads)
    return records


def test_cores_are_shared_out_whole_where_there_are_enough():
    assert cluster.Scale(2, 3).cores_of(8) == 2 and cluster.Scale(1, 4).cores_of(2) == 0.5


def test_there_is_at_least_one_worker_and_no_more_than_at_most():
    for workers, most in ((0, 1), (3, 2)):
        with pytest.raises(SettingsError):
            cluster.Scale(workers, most)


def test_answers_are_those_of_the_codec(engine: Engine, codec: Codec, picture: Image.Image, stream: bytes, painted):
    assert engine.description == codec.description
    assert engine.encode(None, picture, "quality", 0.3).stream == stream
    for record, expected in zip(engine.paint(stream, SETTINGS), painted, strict=True):
        np.testing.assert_array_equal(record.image, expected)
    assert engine.plain(picture, "jpeg", 9999).data
    assert engine.measure(painted[0], painted[-1]).psnr > 20


def test_another_page_may_join(engine: Engine, picture: Image.Image, stream: bytes):
    other = Engine(work=cluster.join(cluster.Scale(2, 2)))
    assert other.places == engine.places
    assert other.encode(None, picture, "quality", 0.3).stream == stream


def test_errors_keep_their_type_and_words(engine: Engine, codec: Codec, stream: bytes):
    with pytest.raises(StreamError) as expected:
        codec.read(stream[:-1])
    with pytest.raises(StreamError) as raised:
        list(engine.paint(stream[:-1], SETTINGS))
    assert str(raised.value) == str(expected.value)


def test_a_worker_killed_in_the_middle_is_replaced(engine: Engine, stream: bytes, painted):
    engine, process_file = Engine(work=engine._work), Path(os.environ[mortal.NAME])  # without what is remembered
    seen = []
    for record in engine.paint(stream, SETTINGS):
        seen.append(record.image)
        if record.step == 1:
            killed = process_file.read_text()
            os.kill(int(killed), signal.SIGKILL)
    assert process_file.read_text() != killed, "another took it up"
    assert all(np.array_equal(*pair) for pair in zip(seen, painted, strict=True))


def test_a_stopped_run_leaves_its_worker_free(engine: Engine, stream: bytes):
    def stop() -> None:
        raise Stopped

    for seed in range(4):  # more than there are workers
        long = DecodeSettings(Decoder.DIFFUSION, 100, 0.9, seed)
        with pytest.raises(Stopped):
            for record in engine.paint(stream, long):
                if record.step == 2:
                    stop()
    began = time.monotonic()
    next(iter(engine.paint(stream, DecodeSettings(Decoder.FLOW, 1, 0.4, seed=9))))
    assert time.monotonic() - began < 10, "none still paints"
