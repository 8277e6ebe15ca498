"""The figures as Markdown."""

from pipeline.evaluation.bd import saving
from pipeline.evaluation.results import Results, Row

_MAPS = {"autoencoder": "even", "adaptive": "adaptive"}
"""The families of `pipeline.evaluation.results.Row` that differ in their quality map."""
_LEAST_GRID = 1e-3
"""Of contrast and repetition: less is not seen."""
_ANCHORS = {"webp": "WebP", "avif": "AVIF", "jxl": "JPEG XL"}


def rate_tables(results: Results) -> str:
    """One table a rate, every method a row."""
    parts = []
    for rate in sorted({row.rate for row in results.rows}):
        parts += [f"\n**At most {rate} bpp**\n", table_head(results.lpips or "LPIPS")]
        parts += [table_line(row) for row in results.rows if row.rate == rate]
    return "\n".join(parts)


def table_head(lpips: str) -> str:
    names = ("method", "bpp", "PSNR dB", "MS-SSIM", lpips, "KD", "FD", "GMSD")
    return f"| {' | '.join(names)} |\n{'| --- ' * len(names)}|"


def table_line(row: Row) -> str:
    gmsd = "–" if row.gmsd is None else f"{row.gmsd:.4f}"
    return (
        f"| {row.method} | {row.bpp:.4f} | {row.psnr:.2f} | {row.ms_ssim:.4f} | {row.lpips:.3f} "
        f"| {row.kd:.4f} | {row.fd:.1f} | {gmsd} |"
    )


def yardstick_table(results: Results) -> str:
    """Every method with yardsticks a row; of the grid, the kind of part where it shows most."""
    names = ("method", "bpp", "PSNR dB", results.lpips or "LPIPS", "KD", "WD", "AUC", "GMSD", "MDSI", "grid")
    lines = [f"| {' | '.join(names)} |", f"{'| --- ' * len(names)}|"]
    for row in results.rows:
        if row.wasserstein is None:
            continue
        lines.append(
            f"| {row.method} | {row.bpp:.4f} | {row.psnr:.2f} | {row.lpips:.3f} | {row.kd:.4f} | {row.wasserstein:.2f} "
            f"| {row.auc:.3f} | {row.gmsd:.4f} | {row.mdsi:.4f} | {_worst_grid(row)} |"
        )
    return "\n".join(lines)


def _worst_grid(row: Row) -> str:
    """Contrast or repetition in units of the photographs' 90th percentile; above 1 is more than theirs."""
    shares = {
        f"{kind} {name}": figures[name] / max(figures[f"{name}_of_photographs"], _LEAST_GRID)
        for kind, figures in (row.grid or {}).items()
        for name in ("contrast", "repetition")
    }
    worst = max(shares, key=shares.__getitem__, default=None)
    return "–" if worst is None else f"{shares[worst]:.2f} ({worst})"


def ablation_table(variants: dict[str, Results]) -> str:
    """Each variant's coarse and painted picture, one line a variant and rate."""
    names = ("variant", "bpp", "coarse PSNR dB", "coarse LPIPS", "PSNR dB", "MS-SSIM", "LPIPS", "GMSD")
    lines = [f"| {' | '.join(names)} |", f"{'| --- ' * len(names)}|"]
    for name, results in variants.items():
        for coarse, painted in zip(results.select("coarse"), results.select("diffusion"), strict=True):
            lines.append(
                f"| {name} | {painted.bpp:.4f} | {coarse.psnr:.2f} | {coarse.lpips:.3f} | {painted.psnr:.2f} "
                f"| {painted.ms_ssim:.4f} | {painted.lpips:.3f} | {painted.gmsd:.4f} |"
            )
    return "\n".join(lines)


def saving_table(results: Results) -> str:
    """Bjøntegaard figures of the autoencoder, by its quality map, against the newer conventional codecs."""
    names = ("quality map", "against", "BD-rate (PSNR)", "BD-rate (MS-SSIM)", "BD-PSNR", "BD-LPIPS")
    lines = [f"| {' | '.join(names)} |", f"{'| --- ' * len(names)}|"]
    for family, quality_map in _MAPS.items():
        for anchor, name in _ANCHORS.items():
            found = saving(results, family, anchor)
            if found is not None:
                lines.append(
                    f"| {quality_map} | {name} | {found.bd_rate:+.1f} % | {found.bd_rate_ms_ssim:+.1f} % "
                    f"| {found.bd_psnr:+.2f} dB | {found.bd_lpips:+.3f} |"
                )
    return "\n".join(lines)
