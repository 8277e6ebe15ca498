"""Rate, distortion and realism of every method over a folder of pictures, on real streams."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import piq
import torch
from tqdm import tqdm

from pipeline.codec import Codec
from pipeline.evaluation.methods import Method, Subject
from pipeline.evaluation.results import Results, Row, load_results
from pipeline.images import load_image
from pipeline.metrics import frechet_distance, kernel_distance, lpips_name, measure, patch_features
from pipeline.settings import CodecName

_WEIGHTS = {
    CodecName.STANDARD: ("autoencoder", "diffusion", "flow"),
    CodecName.ULTRALOW: ("ultralow", "vae", "painter"),
}
_FAMILIES = {"diffusion": "diffusion", "flow": "flow", "painter": "diffusion"}
"""What depends on these weights alone; on all others, everything does."""
_UNPAINTED = ("autoencoder", "coarse")
"""Families whose rows hold the sizes of the streams themselves."""


def subjects(codec: Codec, pictures: list[Path], bpp: float, system: CodecName) -> list[Subject]:
    """Encodes every picture to at most ``bpp`` bits per pixel, header included."""
    found = []
    for path in tqdm(pictures, desc=f"encode at {bpp} bpp", leave=False):
        image = load_image(path)
        stream = codec.encode(image, bpp=bpp, codec=system)
        original = np.asarray(image)
        features = patch_features(original)
        found.append(Subject(image, original, features, len(stream), stream, codec.reconstruct(stream)))
    return found


def budgets(pictures: list[Path], measured: Row) -> list[Subject]:
    """Every picture with the size of the stream that ``measured`` was made from, which is not made again."""
    found = []
    for path, bpp in zip(pictures, measured.bpp_each, strict=True):
        image = load_image(path)
        original = np.asarray(image)
        found.append(Subject(image, original, patch_features(original), round(bpp * image.width * image.height / 8)))
    return found


def _row(codec: Codec, rate: float, method: Method, found: list[Subject]) -> Row:
    scores, rates, features, gradients = [], [], [], []
    for subject in tqdm(found, desc=f"{method.name} at {rate} bpp", leave=False):
        picture, size = method.run(codec, subject)
        scores.append(measure(subject.original, picture))
        rates.append(8 * size / (subject.image.width * subject.image.height))
        features.append(patch_features(picture))
        gradients.append(_gmsd(subject.original, picture))
    original_features, picture_features = (
        torch.cat([subject.original_features for subject in found]),
        torch.cat(features),
    )
    return Row(
        rate=rate,
        method=method.name,
        family=method.family,
        bpp=fmean(rates),
        psnr=fmean(s.psnr for s in scores),
        ms_ssim=fmean(s.ms_ssim for s in scores),
        lpips=fmean(s.lpips for s in scores),
        kd=kernel_distance(original_features, picture_features),
        fd=frechet_distance(original_features, picture_features),
        psnr_each=[round(s.psnr, 3) for s in scores],
        lpips_each=[round(s.lpips, 4) for s in scores],
        bpp_each=[round(value, 5) for value in rates],
        steps=method.steps,
        noise_level=method.noise_level,
        sigma=method.sigma,
        shift=method.shift,
        gmsd=fmean(gradients),
    )


def _gmsd(original: np.ndarray, picture: np.ndarray) -> float:
    """Xue et al. 2014, arXiv 1308.3052, of two ``(H, W, 3)`` uint8 pictures."""
    pair = (torch.tensor(array).permute(2, 0, 1)[None].float() / 255 for array in (original, picture))
    return piq.gmsd(*pair).item()


def _rows_still_valid(before: Results, now: Results) -> list[Row]:
    """The rows of an earlier run that these pictures, metrics and weights would give again."""
    if (before.pictures, before.lpips) != (now.pictures, now.lpips):
        return []
    changed = [name for name, value in now.weights.items() if before.weights[name] != value]
    families = {_FAMILIES.get(name) for name in changed}
    if None in families:
        return []
    return [row for row in before.rows if not any(family in row.method for family in families)]


def evaluate(
    codec: Codec,
    pictures: list[Path],
    rates: Sequence[float],
    methods: list[Method],
    out: Path,
    system: CodecName = CodecName.STANDARD,
) -> Iterator[Row]:
    """Measures every method at every rate; rows already in ``out`` (JSON) that the same weights made are kept, so
    that an interrupted run continues."""
    weights = {name: codec.weights_hash(name) for name in _WEIGHTS[system]}
    results = Results(len(pictures), lpips_name(), weights)
    if out.exists():
        results.rows = _rows_still_valid(load_results(out), results)
    done = {(row.rate, row.method) for row in results.rows}
    for rate in rates:
        missing = {method.name: method for method in methods if (rate, method.name) not in done}
        if not missing:
            continue
        measured = [row for family in _UNPAINTED for row in results.select(family, rate)]
        if measured and not any(method.from_stream for method in missing.values()):
            found = budgets(pictures, measured[0])
        else:
            found = subjects(codec, pictures, rate, system)
        for method in missing.values():
            row = _row(codec, rate, method, found)
            results.rows.append(row)
            results.save(out)
            yield row
