"""The page's side of the workers, without Ray: same answers, through deaths, stops and errors."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipeline.codec import Codec
from pipeline.errors import StreamError
from pipeline.serving.packing import pack, unpack
from pipeline.serving.pool import TRIES, WorkerError, WorkerPool
from pipeline.settings import Allocation, Decoder, DecodeSettings, DecodeStep
from pipeline.ui.actions import Actions
from pipeline.ui.engine import Engine
from pipeline.ui.request import Request
from pipeline.ui.sides import Sides
from pipeline.ui.turns import Stopped
from tests.serving.conftest import HereWorkers

SETTINGS = DecodeSettings(Decoder.FLOW, 3, 0.4, seed=5)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def stream(codec: Codec, picture: Image.Image) -> bytes:
    return codec.encode(picture, quality=0.3)


class SlowCodec:
    """A codec whose every step takes its time, and which counts them."""

    description = "nothing"

    def __init__(self, seconds: float = 0.05):
        self._seconds = seconds
        self.steps = self.checks = 0

    @staticmethod
    def system(name: str) -> SimpleNamespace:
        return SimpleNamespace(prepare=lambda: None)

    def encode(self, image: Image.Image, check: Callable[[], None], **rate: float) -> bytes:
        while self.checks < 200:
            self.checks += 1
            check()
            time.sleep(self._seconds)
        return b"stream"

    def decode(self, stream: bytes, settings: DecodeSettings) -> Iterator[DecodeStep]:
        for self.steps in range(200):
            yield DecodeStep(self.steps, 199, 0.0, np.zeros((2, 2, 3), np.uint8))
            time.sleep(self._seconds)


def _stops_after(seconds: float) -> Callable[[], None]:
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise Stopped

    return check


def _settled(count: Callable[[], int]) -> bool:
    """Whether what is counted has come to an end."""
    before = -1
    for _ in range(20):
        if count() == before:
            return True
        before = count()
        time.sleep(0.3)
    return False


def test_a_record_comes_through_as_it_was():
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    record, seconds = unpack(pack(DecodeStep(2, 9, 0.5, image), 1.5))
    assert (record.step, record.total, record.sigma, seconds) == (2, 9, 0.5, 1.5)
    np.testing.assert_array_equal(record.image, image)


def test_the_page_answers_as_over_its_own_codec(codec: Codec, picture: Image.Image, tmp_path: Path):
    picture.save(tmp_path / "photo.png")
    answers = []
    for engine in (Engine(lambda: codec), Engine(work=WorkerPool(HereWorkers(lambda: codec), 2))):
        actions = Actions(engine)
        run = actions.encode(Request(str(tmp_path / "photo.png"), "bpp", 0.3, SETTINGS))
        *_, view = actions.decode(run, Sides())
        numbers = {key: value for key, value in view.numbers.items() if "seconds" not in key}
        answers.append((run.stream, Path(view.picture_file).read_bytes(), numbers))
    assert answers[0] == answers[1]


def test_a_quality_map_is_read_by_a_worker(codec: Codec, picture: Image.Image):
    mask = Image.new("L", picture.size)
    mask.paste(255, (0, 0, 64, 120))
    coded = codec.encode(picture, quality=0.3, allocation=Allocation("painted", mask))
    qualities = Engine(work=WorkerPool(HereWorkers(lambda: codec), 1)).qualities(coded)
    np.testing.assert_array_equal(qualities, Engine(lambda: codec).qualities(coded))
    assert len(np.unique(qualities)) > 1


def test_where_a_worker_dies_another_goes_on_and_no_step_comes_twice(codec: Codec, stream: bytes):
    workers = HereWorkers(lambda: codec, 2)
    records = list(Engine(work=WorkerPool(workers, 1)).paint(stream, SETTINGS))
    assert [record.step for record in records] == [0, 1, 2, 3]
    assert [asked[-1] for asked in workers.asked] == [0, 2] and workers.given == 4
    for record, expected in zip(records, codec.decode(stream, SETTINGS), strict=True):
        np.testing.assert_array_equal(record.image, expected.image)


def test_an_encoding_survives_a_death_too(codec: Codec, picture: Image.Image, stream: bytes):
    engine = Engine(work=WorkerPool(HereWorkers(lambda: codec, 0), 1))
    assert engine.encode(None, picture, "quality", 0.3).stream == stream


def test_deaths_with_progress_between_do_not_add_up(codec: Codec, stream: bytes):
    workers = HereWorkers(lambda: codec, *[1] * TRIES)
    assert len(list(Engine(work=WorkerPool(workers, 1)).paint(stream, SETTINGS))) == 4


def test_a_job_that_every_worker_dies_of_is_given_up(codec: Codec, stream: bytes):
    workers = HereWorkers(lambda: codec, *[0] * TRIES)
    with pytest.raises(WorkerError, match="try again"):
        list(Engine(work=WorkerPool(workers, 1)).paint(stream, SETTINGS))
    assert len(workers.asked) == TRIES


def test_errors_keep_their_type_and_words(codec: Codec):
    with pytest.raises(StreamError) as expected:
        list(codec.decode(b"no stream", SETTINGS))
    with pytest.raises(StreamError) as raised:
        list(Engine(work=WorkerPool(HereWorkers(lambda: codec), 1)).paint(b"no stream", SETTINGS))
    assert str(raised.value) == str(expected.value)


def test_stop_ends_an_encoding_in_its_worker():
    codec = SlowCodec()
    engine = Engine(work=WorkerPool(HereWorkers(lambda: codec), 1))
    with pytest.raises(Stopped):
        engine.encode(None, Image.new("RGB", (8, 8)), "quality", 0.3, _stops_after(0.3))
    assert _settled(lambda: codec.checks) and codec.checks < 200


def test_stop_is_heard_while_a_step_is_waited_for():
    codec = SlowCodec(seconds=3)
    engine = Engine(work=WorkerPool(HereWorkers(lambda: codec), 1))
    began = time.monotonic()
    with pytest.raises(Stopped):
        list(engine.paint(b"", SETTINGS, _stops_after(0.3)))
    assert time.monotonic() - began < 2, "before the step has come"


def test_who_leaves_ends_a_decode_in_its_worker():
    codec = SlowCodec()
    records = iter(Engine(work=WorkerPool(HereWorkers(lambda: codec), 1)).paint(b"", SETTINGS))
    next(records)
    del records
    assert _settled(lambda: codec.steps) and codec.steps < 199


def test_what_two_want_at_once_is_made_once(codec: Codec, picture: Image.Image):
    workers = HereWorkers(lambda: codec)
    engine = Engine(work=WorkerPool(workers, 2))
    streams: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: streams.append(engine.encode(b"photo", picture, "quality", 0.2).stream))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(streams) == 2 and len({*streams}) == 1
    assert [method for method, *_ in workers.asked] == ["encode"]
