"""Hostile streams: the worker pool survives anything, and a short run finds no fault."""

from pipeline.codec import Codec
from pipeline.evaluation.fuzzing.mutations import MUTATIONS, genuine_streams
from pipeline.evaluation.fuzzing.pool import Result, run_cases
from pipeline.evaluation.fuzzing.streams import FOREIGN, GENUINE, FuzzReport, StreamTarget
from tests.misbehaving import Misbehaving


def test_pool_outlives_every_case() -> None:
    results = {result.index: result for result in run_cases(Misbehaving, 7, workers=2, gigabytes=1.0)}
    assert [(results[index].label, results[index].fault) for index in range(7)] == [
        ("fine", False),
        ("crash (exit code -11)", True),
        ("hang", True),
        ("KeyError: 'broken'", True),
        ("out of memory", True),
        ("too slow", True),
        ("fine", False),
    ]


def test_no_hostile_stream_gives_a_foreign_picture(codec: Codec) -> None:
    streams = genuine_streams(codec, ((1, 1), (90, 70)))
    target, report = StreamTarget.make(codec, streams, streams, seed=7), FuzzReport(seed=7)
    for index in range(12 * len(MUTATIONS)):
        report.add(Result(index, target(index), False, 0.0))
    figures = report.figures()
    assert figures["cases"] == 120 and not figures["faults"] and FOREIGN not in figures["outcomes"]
    for name in ("bit flips", "truncation", "extension", "random payload", "noise"):
        assert GENUINE not in figures["by mutation"][name]
        assert sum(figures["by mutation"][name].values()) == 12
