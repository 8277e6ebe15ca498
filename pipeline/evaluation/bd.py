"""Bjøntegaard's figures: what one rate–distortion curve saves against another, averaged over their common range."""

from dataclasses import dataclass

import bjontegaard

from pipeline.evaluation.results import Results, Row

LOWEST_BPP, HIGHEST_BPP = 0.1, 0.95
"""Points outside this range are left out."""
_MINIMUM_POINTS = 4
_METHOD = "akima"


@dataclass(frozen=True)
class Saving:
    """A family of methods against an anchor, over the rates that both were measured at."""

    family: str
    anchor: str
    bd_rate: float
    """Percent of the anchor's bits at equal PSNR; negative is better."""
    bd_psnr: float
    """dB at equal rate; positive is better."""
    bd_lpips: float
    """LPIPS at equal rate; negative is better."""
    bd_rate_ms_ssim: float
    """Percent of the anchor's bits at equal MS-SSIM; negative is better."""


def _curve(results: Results, family: str) -> list[Row]:
    return [row for row in results.select(family) if LOWEST_BPP <= row.bpp <= HIGHEST_BPP]


def saving(results: Results, family: str, anchor: str) -> Saving | None:
    """Compares two families that have one row a rate; None where either has fewer than four points."""
    test, base = _curve(results, family), _curve(results, anchor)
    if min(len(test), len(base)) < _MINIMUM_POINTS:
        return None

    def points(measure: str) -> tuple[list[float], ...]:
        return tuple([getattr(row, name) for row in rows] for rows in (base, test) for name in ("bpp", measure))

    options = {"method": _METHOD, "require_matching_points": False}
    return Saving(
        family,
        anchor,
        bjontegaard.bd_rate(*points("psnr"), **options),
        bjontegaard.bd_psnr(*points("psnr"), **options),
        bjontegaard.bd_psnr(*points("lpips"), **options),
        bjontegaard.bd_rate(*points("ms_ssim"), **options),
    )
