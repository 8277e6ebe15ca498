"""What visits cost, as measured by `pipeline.serving.measure` and kept in ``costs.json``."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.files import atomic_path

COSTS = Path(__file__).with_name("costs.json")


@dataclass(frozen=True)
class Visit:
    """A photo compressed and painted once, all of it on one core."""

    name: str
    share: float
    """Of all visits, as assumed."""
    megapixels: float
    worker_seconds: float
    """CPU-seconds of encoding, painting and scoring."""
    page_seconds: float
    """CPU-seconds of everything else: Gradio, PNG files, previews."""
    received_bytes: int
    """From the browser."""
    sent_bytes: int
    """To the browser: previews of every step, and results."""
    moved_bytes: int
    """Between page and workers, both ways."""


@dataclass(frozen=True)
class Costs:
    """Visits of every kind, and memory."""

    machine: str
    """Its kind, in general terms."""
    page_memory: int
    """Bytes resident of a page without a codec."""
    worker_memory: int
    """Bytes resident at most of a process that also computes."""
    visits: tuple[Visit, ...]

    def mean(self, field: str) -> float:
        """The mean over all visits of a field of `Visit`."""
        return sum(visit.share * float(getattr(visit, field)) for visit in self.visits)


def load_costs(path: Path = COSTS) -> Costs:
    """The committed measurement."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    return Costs(**fields | {"visits": tuple(Visit(**visit) for visit in fields["visits"])})


def save_costs(costs: Costs, path: Path = COSTS) -> None:
    """Writes a measurement in place of the committed one."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(asdict(costs), indent=1) + "\n", encoding="utf-8")
