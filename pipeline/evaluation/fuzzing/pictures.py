"""``python -m pipeline evaluate fuzz-pictures``: damaged picture files and decompression bombs.

Each must give a picture or a typed error, in bounded time and memory.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipeline.errors import ImageError
from pipeline.evaluation.fuzzing.corpus import Corpus
from pipeline.evaluation.fuzzing.pool import Result, Target, run_cases
from pipeline.pictures import read_picture

SECONDS = 2.0
"""Processor time, of all threads together, that one file may take."""
GIGABYTES = 1.0
"""Memory that a file may take beyond what a worker takes once it has read a sound file of every format."""


@dataclass
class PictureTarget(Target):
    """Reads damaged files."""

    corpus: Corpus

    @classmethod
    def make(cls, seed: int) -> "PictureTarget":
        """Reads every sound file once, so that the libraries are loaded."""
        corpus = Corpus(seed)
        for _, content in corpus.sound:
            read_picture(content)
        return cls(corpus)

    def seconds(self, index: int) -> float:
        return SECONDS

    def __call__(self, index: int) -> str:
        content = self.corpus.content(index)
        try:
            read_picture(content)
        except ImageError as error:
            if "more memory" in str(error):
                raise MemoryError from error
            return "error"
        return "picture"


@dataclass
class PictureReport:
    """Counts of a run so far."""

    corpus: Corpus
    files: int = 0
    slowest_seconds: float = 0.0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    """Of each format: how many became a picture, and how many an error."""
    faults: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Counts a result."""
        name = self.corpus.format(result.index)
        self.files += 1
        self.slowest_seconds = max(self.slowest_seconds, result.seconds)
        self.outcomes.setdefault(name, Counter())[result.label] += 1
        if result.fault:
            seconds = round(result.seconds, 3)
            self.faults.append({"index": result.index, "format": name, "outcome": result.label, "seconds": seconds})

    def figures(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "seed": self.corpus.seed,
            "files": self.files,
            "slowest_seconds": round(self.slowest_seconds, 3),
            "limits": {"seconds": SECONDS, "gigabytes": GIGABYTES},
            "outcomes": {name: dict(sorted(counts.items())) for name, counts in sorted(self.outcomes.items())},
            "faults": sorted(self.faults, key=lambda fault: fault["index"]),
        }


def fuzz_pictures(count: int, seed: int, workers: int) -> Iterator[Result]:
    """Reads ``count`` damaged files, always the same ones for a seed."""
    yield from run_cases(partial(PictureTarget.make, seed), count, workers, GIGABYTES)
