"""Rate, distortion and realism of every method over a folder of pictures, on real streams."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.arrays import UInt8
from pipeline.codec import Codec
from pipeline.comparison import CodecSubject, Method
from pipeline.comparison.baselines import PLAIN_CODECS
from pipeline.errors import ImageError, SettingsError
from pipeline.evaluation.results import Results, Row, digest_of, load_results
from pipeline.images import load_image
from pipeline.metrics import frechet_distance, kernel_distance, lpips_name, measure, patch_features
from pipeline.metrics.gradients import gmsd
from pipeline.metrics.perceptual.networks import DISTILLED, network_in_use
from pipeline.settings import EVEN, SystemName

_WEIGHTS = {
    SystemName.STANDARD: ("autoencoder", "diffusion", "flow"),
    SystemName.ULTRALOW: ("ultralow", "vae", "painter", "lpips"),
}
_PAINTERS = {"diffusion": "diffusion", "flow": "flow", "painter": "diffusion"}
"""Weights that only the methods depend on whose names hold this word."""
_PICTURES = "vae"
"""Weights whose decoder alone is trained on, so that streams stay, and conventional codecs in as many bytes; on all
others, everything depends."""
_UNPAINTED = ("autoencoder", "coarse")
"""Families whose rows hold the sizes of the streams themselves."""
Further = Callable[[Sequence[UInt8], Sequence[UInt8]], dict[str, Any]]
"""Originals and pictures => optional columns of their `Row`."""


@dataclass(frozen=True)
class Measured:
    """A subject, and what its original is measured by."""

    subject: CodecSubject
    features: Tensor
    """Of the patches of the original."""

    @classmethod
    def of(cls, codec: Codec, original: UInt8, stream: bytes = b"", budget: int | None = None) -> "Measured":
        return cls(CodecSubject(codec, original, stream, budget), patch_features(original))


def encoded(codec: Codec, pictures: list[Path], bpp: float, system: SystemName) -> list[Measured]:
    """Encodes every picture to at most ``bpp`` bits per pixel, header included, with an even quality map."""
    found = []
    for path in tqdm(pictures, desc=f"encode at {bpp} bpp", leave=False):
        image = load_image(path)
        stream = codec.encode(image, bpp=bpp, codec=system, allocation=EVEN)
        found.append(Measured.of(codec, np.asarray(image), stream))
    return found


def budgets(codec: Codec, pictures: list[Path], measured: Row) -> list[Measured]:
    """Every picture with the size of the stream that ``measured`` was made from, which is not made again."""
    found = []
    for path, bpp in zip(pictures, measured.bpp_each, strict=True):
        image = load_image(path)
        found.append(Measured.of(codec, np.asarray(image), budget=round(bpp * image.width * image.height / 8)))
    return found


def no_more(originals: Sequence[UInt8], pictures: Sequence[UInt8]) -> dict[str, Any]:
    """The `Further` without columns."""
    return {}


def _row(rate: float, method: Method, found: list[Measured], further: Further) -> Row:
    scores, rates, features, pictures = [], [], [], []
    for each in tqdm(found, desc=f"{method.name} at {rate} bpp", leave=False):
        original, made = each.subject.original, method.run(each.subject)
        height, width, _ = original.shape
        scores.append(measure(original, made.picture))
        rates.append(8 * made.bytes / (width * height))
        features.append(patch_features(made.picture))
        pictures.append(made.picture)
    original_features, picture_features = torch.cat([each.features for each in found]), torch.cat(features)
    originals = [each.subject.original for each in found]
    settings = method.settings
    return Row(
        rate=rate,
        method=method.name,
        family=method.family,
        bpp=fmean(rates),
        psnr=fmean(s.psnr for s in scores),
        ms_ssim=fmean(there(s.ms_ssim) for s in scores),
        lpips=fmean(there(s.lpips) for s in scores),
        kd=kernel_distance(original_features, picture_features),
        fd=frechet_distance(original_features, picture_features),
        psnr_each=[round(s.psnr, 3) for s in scores],
        lpips_each=[round(there(s.lpips), 4) for s in scores],
        bpp_each=[round(value, 5) for value in rates],
        steps=None if settings is None else settings.num_inference_steps,
        noise_level=None if settings is None else settings.noise_level,
        sigma=method.sigma,
        shift=None if settings is None else settings.shift,
        gmsd=fmean(map(gmsd, originals, pictures)),
        **further(originals, pictures),
    )


def there(score: float | None) -> float:
    """A score that has to be there; raises `ImageError` where it is not."""
    if score is None:
        raise ImageError("A score is missing; measure pictures of 161 pixels a side and more, where LPIPS can be had.")
    return score


def _rows_still_valid(path: Path, now: Results) -> list[Row]:
    """The rows of an earlier run that these weights would give again; raises `SettingsError` where ``path`` holds
    figures of other pictures, metrics, networks or precision."""
    before = load_results(path)
    for same, what in (
        (before.digest == now.digest, "other pictures"),
        (before.lpips == now.lpips, f"another LPIPS network than {now.lpips} (BITBRUSH_LPIPS chooses it)"),
        (before.weights.keys() == now.weights.keys(), "another codec"),
        (before.precision == now.precision, f"another precision than {now.precision} (BITBRUSH_PRECISION chooses it)"),
    ):
        if not same:
            raise SettingsError(f"{path} holds figures of {what}; write to another file (--out).")
    changed = [name for name, value in now.weights.items() if before.weights[name] != value]
    return [row for row in before.rows if not any(_depends(row, name) for name in changed)]


def _depends(row: Row, weights: str) -> bool:
    if weights in _PAINTERS:
        return _PAINTERS[weights] in row.method
    return weights != _PICTURES or row.family not in PLAIN_CODECS


def evaluate(
    codec: Codec,
    pictures: list[Path],
    rates: Sequence[float],
    methods: list[Method],
    out: Path,
    system: SystemName = SystemName.STANDARD,
    further: Further = no_more,
) -> Iterator[Row]:
    """Measures every method at every rate, with ``further`` columns; rows already in ``out`` (JSON) that the same
    weights made are kept, so that an interrupted run continues.

    Raises:
        SettingsError: ``out`` holds figures of other pictures, of another LPIPS network, codec or precision.
    """
    parts = {*_WEIGHTS[system], *(["lpips"] if network_in_use() == DISTILLED else [])}
    weights = {name: codec.fingerprint(name) for name in sorted(parts) if codec.has(name)}
    results = Results(len(pictures), lpips_name(), weights, digest=digest_of(pictures), precision=codec.precision)
    if out.exists():
        results.rows = _rows_still_valid(out, results)
    done = {(row.rate, row.method) for row in results.rows if further is no_more or row.wasserstein is not None}
    for rate in rates:
        missing = {method.name: method for method in methods if (rate, method.name) not in done}
        if not missing:
            continue
        measured = [row for family in _UNPAINTED for row in results.select(family, rate)]
        if measured and not any(method.needs_stream for method in missing.values()):
            found = budgets(codec, pictures, measured[0])
        else:
            found = encoded(codec, pictures, rate, system)
        for method in missing.values():
            row = _row(rate, method, found, further)
            results.rows = [*(each for each in results.rows if (each.rate, each.method) != (rate, row.method)), row]
            results.save(out)
            yield row
