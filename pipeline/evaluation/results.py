"""What `pipeline.evaluation.quality` measured, as rows of a JSON file that the page, the plots and the tables read."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.files import atomic_path

RESULTS = Path(__file__).resolve().parent.parent.parent / "assets" / "results"
KODAK_RESULTS = RESULTS / "kodak.json"
ULTRALOW_RESULTS = RESULTS / "kodak-ultralow.json"
ABLATIONS = RESULTS / "ablations"
"""One file a variant of the ultra-low system."""


@dataclass(frozen=True)
class Row:
    """Means of one method at one rate; ``kd`` and ``fd`` compare the patches of all pictures together."""

    rate: float
    """The target that every picture's stream was encoded to, in bits per pixel."""
    method: str
    family: str
    """``"jpeg"``, ``"webp"``, ``"avif"``, ``"avif with grain"``, ``"jxl"``, ``"autoencoder"`` (with an even quality
    map), ``"adaptive"`` (the same with an adaptive one), ``"coarse"``, ``"grain"``, ``"matched grain"``,
    ``"sent grain"``, ``"diffusion"``, ``"shifted diffusion"`` or ``"flow"``."""
    bpp: float
    psnr: float
    ms_ssim: float
    lpips: float
    kd: float
    fd: float
    psnr_each: list[float]
    lpips_each: list[float]
    bpp_each: list[float]
    steps: int | None = None
    noise_level: float | None = None
    sigma: float | None = None
    """Grey levels of the grain control."""
    gmsd: float | None = None
    """Gradient magnitude similarity deviation, which nothing here is trained on; lower is better."""
    shift: float | None = None
    """Of the noise schedule in sampling, where it is not the trained one."""
    wasserstein: float | None = None
    """Wasserstein distortion in squared grey levels; this and what follows is measured by ``evaluate yardsticks``."""
    auc: float | None = None
    """Of the two-sample test; 0.5 is best."""
    mdsi: float | None = None
    grid: dict[str, dict[str, float]] | None = None
    """`pipeline.metrics.grid.GridFigures` of flat, smooth and textured parts."""


@dataclass
class Results:
    """Rows, and what they hold for: these pictures, this LPIPS network, these weights."""

    pictures: int
    lpips: str | None
    """None where there was no network."""
    weights: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    digest: str = ""
    """Of the pictures' files, see `digest_of`."""
    precision: str = ""
    """What painters and stage 1 computed in."""

    def select(
        self,
        family: str,
        rate: float | None = None,
        steps: int | None = None,
        noise_level: float | None = None,
    ) -> list[Row]:
        """The rows of a family, by rising bpp; of one rate, step count and noise level where these are given."""
        wanted = {"rate": rate, "steps": steps, "noise_level": noise_level}
        given = {name: value for name, value in wanted.items() if value is not None}
        rows = [row for row in self.rows if row.family == family]
        return sorted((r for r in rows if all(getattr(r, k) == v for k, v in given.items())), key=lambda r: r.bpp)

    def best_grain(self, rate: float, measure: str) -> Row:
        """The grain control of the sigma that makes ``measure`` (``"lpips"`` or ``"kd"``) least."""
        return min(self.select("grain", rate), key=lambda row: getattr(row, measure))

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def digest_of(pictures: Iterable[Path]) -> str:
    """First eight hexadecimal digits of the SHA-256 of the files, in their order."""
    content = hashlib.sha256()
    for path in pictures:
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:8]


def load_results(path: Path = KODAK_RESULTS) -> Results:
    """Reads what `Results.save` wrote."""
    state = json.loads(path.read_text(encoding="utf-8"))
    return Results(**state | {"rows": [Row(**row) for row in state["rows"]]})


def write_figures(path: Path, figures: object) -> None:
    """Writes ``figures`` as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
