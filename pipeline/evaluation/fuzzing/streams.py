"""``python -m pipeline evaluate fuzz``: hostile streams.

Each must give a typed error, or a picture where its payload is a genuine one under a header that fits it.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipeline.codec import Codec
from pipeline.errors import StreamError
from pipeline.evaluation.fuzzing.mutations import LARGE, MUTATIONS, SMALL, Forgery, genuine_streams, mutate
from pipeline.evaluation.fuzzing.pool import Result, Target, run_cases

SECONDS = 2.0
"""Processor time that a stream may take..."""
SECONDS_PER_MEGAPIXEL = 5.0
"""... and more for each megapixel that it says it has, as genuine streams of that size take their time too."""
GIGABYTES = 1.0
"""Memory that a stream may take beyond the loaded models."""
FOREIGN = "picture of a foreign payload"
GENUINE = "picture of a genuine payload"


@dataclass
class StreamTarget(Target):
    """Decodes mutated streams to the picture that the stream alone describes."""

    codec: Codec
    small: list[Forgery]
    large: list[Forgery]
    seed: int

    @classmethod
    def make(cls, codec: Codec, small: list[bytes], large: list[bytes], seed: int) -> "StreamTarget":
        """Decodes what is genuine once, so that the models are loaded."""
        for genuine in small:
            codec.reconstruct(genuine)
        return cls(codec, [Forgery.of(one) for one in small], [Forgery.of(one) for one in large], seed)

    def seconds(self, index: int) -> float:
        _, hostile = mutate(self.small, self.large, self.seed, index)
        try:
            header, _ = self.codec.read(hostile)
        except StreamError:
            return SECONDS
        return SECONDS + SECONDS_PER_MEGAPIXEL * header.width * header.height / 1e6

    def __call__(self, index: int) -> str:
        _, hostile = mutate(self.small, self.large, self.seed, index)
        try:
            picture = self.codec.reconstruct(hostile)
        except StreamError as error:
            return "refused: " + _kind(str(error))
        header, payload = self.codec.read(hostile)
        if picture.shape != (header.height, header.width, 3):
            raise AssertionError(f"the picture has the shape {picture.shape}")
        return GENUINE if any(payload == one.payload for one in (*self.small, *self.large)) else FOREIGN


def _kind(sentence: str) -> str:
    """The part of an error's text that is the same for all errors of its kind."""
    return re.sub(r"\(.*?\)|\d+", "…", re.split("[;.]", sentence)[0])


@dataclass
class FuzzReport:
    """Counts of a run so far."""

    seed: int
    cases: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in MUTATIONS})
    slowest_seconds: float = 0.0
    begun: float = field(default_factory=time.monotonic)

    def add(self, result: Result) -> None:
        """Counts a result; a picture of a foreign payload is a fault too."""
        name = list(MUTATIONS)[result.index % len(MUTATIONS)]
        self.cases += 1
        self.outcomes[name][result.label] += 1
        self.slowest_seconds = max(self.slowest_seconds, result.seconds)
        if result.fault or result.label == FOREIGN:
            self.faults.append({"case": result.index, "mutation": name, "what": result.label})

    def figures(self) -> dict[str, Any]:
        """For a JSON file."""
        total = sum(self.outcomes.values(), Counter())
        return {
            "cases": self.cases,
            "seed": self.seed,
            "faults": self.faults,
            "limits": {
                "seconds": SECONDS,
                "more seconds per megapixel": SECONDS_PER_MEGAPIXEL,
                "gigabytes beyond the models": GIGABYTES,
            },
            "slowest seconds": round(self.slowest_seconds, 2),
            "cases per second": round(self.cases / (time.monotonic() - self.begun), 1),
            "outcomes": dict(total.most_common()),
            "by mutation": {name: dict(counts.most_common()) for name, counts in self.outcomes.items()},
        }


def fuzz_streams(count: int, seed: int, workers: int) -> Iterator[Result]:
    """Tries ``count`` hostile streams, always the same ones for a seed."""
    codec = Codec.from_pretrained(device="cpu")
    small, large = genuine_streams(codec, SMALL), genuine_streams(codec, LARGE)
    yield from run_cases(partial(_make_target, small, large, seed), count, workers, GIGABYTES)


def _make_target(small: list[bytes], large: list[bytes], seed: int) -> StreamTarget:
    return StreamTarget.make(Codec.from_pretrained(device="cpu"), small, large, seed)
