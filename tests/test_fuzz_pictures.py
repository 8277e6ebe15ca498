"""Damaged picture files are read in workers, and every one becomes a picture or a typed error."""

import json

from pipeline.evaluation import fuzz_pictures
from pipeline.evaluation.fuzz_pictures import Reading
from pipeline.evaluation.results import RESULTS


def test_damaged_files_make_no_faults() -> None:
    findings = fuzz_pictures.collect(fuzz_pictures.fuzz(300, seed=5), seed=5)
    assert findings.files == 300
    unexpected = [fault for fault in findings.faults if fault["outcome"] not in ("picture", "error")]
    assert not unexpected


def test_faults_are_counted() -> None:
    readings = [
        Reading(0, "PNG", "picture", 0.1),
        Reading(1, "PNG", "error", 3.0),
        Reading(2, "JXL", "traceback", 0.2, "boom"),
    ]
    findings = fuzz_pictures.collect(iter(readings), seed=1)
    assert [fault["index"] for fault in findings.faults] == [1, 2]
    assert findings.outcomes == {"JXL": {"traceback": 1}, "PNG": {"error": 1, "picture": 1}}
    assert findings.slowest_seconds == 3.0


def test_a_worker_that_dies_is_a_fault_and_the_rest_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(fuzz_pictures, "_WORKER", "no_such_worker")
    outcomes = [reading.outcome for reading in fuzz_pictures.fuzz(2, seed=0)]
    assert outcomes == ["crash", "crash"]


def test_committed_result_holds() -> None:
    found = json.loads((RESULTS / "fuzz-pictures.json").read_text())
    assert found["files"] >= 5000 and not found["faults"]
