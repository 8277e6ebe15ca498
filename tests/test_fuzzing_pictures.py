"""Damaged picture files are read in workers, and every one becomes a picture or a typed error."""

import json

import pytest

from pipeline.errors import ImageError
from pipeline.evaluation.fuzzing import pictures
from pipeline.evaluation.fuzzing.corpus import Corpus
from pipeline.evaluation.fuzzing.pictures import PictureReport, PictureTarget, fuzz_pictures
from pipeline.evaluation.fuzzing.pool import Result
from pipeline.evaluation.results import RESULTS


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(seed=5)


def test_damaged_files_make_no_faults(corpus: Corpus) -> None:
    report = PictureReport(corpus)
    for result in fuzz_pictures(300, corpus.seed, workers=1):
        report.add(result)
    figures = report.figures()
    assert figures["files"] == 300
    assert not [fault for fault in figures["faults"] if fault["outcome"] != "too slow"]
    assert sum(sum(counts.values()) for counts in figures["outcomes"].values()) == 300


def test_faults_are_counted(corpus: Corpus) -> None:
    report = PictureReport(corpus)
    for result in (
        Result(1, "picture", False, 0.1),
        Result(0, "too slow", True, 3.0),
        Result(2, "KeyError: 'boom'", True, 0.2),
    ):
        report.add(result)
    figures = report.figures()
    assert [fault["index"] for fault in figures["faults"]] == [0, 2]
    assert figures["outcomes"]["PNG"]["too slow"] == 1 and figures["slowest_seconds"] == 3.0


def test_want_of_memory_is_no_typed_error(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(content: bytes) -> None:
        raise ImageError("The picture needs more memory than there is; use a smaller one.")

    monkeypatch.setattr(pictures, "read_picture", read)
    with pytest.raises(MemoryError):
        PictureTarget(corpus)(1)


def test_files_follow_from_seed_and_number(corpus: Corpus) -> None:
    again, other = Corpus(5), Corpus(6)
    assert [corpus.content(index) for index in (1, 2, 50)] == [again.content(index) for index in (1, 2, 50)]
    assert corpus.content(1) != other.content(1) and corpus.format(0) == other.format(0) == "PNG"


def test_committed_result_holds() -> None:
    found = json.loads((RESULTS / "fuzz-pictures.json").read_text())
    assert found["files"] >= 5000 and not found["faults"]
