"""How strong an adaptive quality map should be: real streams of held-out photographs at equal bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from tqdm import tqdm

from pipeline.codec import CHECKPOINTS, Codec
from pipeline.errors import ImageError
from pipeline.evaluation.quality import there
from pipeline.evaluation.results import RESULTS, write_figures
from pipeline.images import load_image
from pipeline.metrics import lpips_name, measure, streak_share
from pipeline.settings import Allocation, QualityMapKind
from pipeline.training.data import photographs

SIDES = 512, 384
"""Width and height of the middle that is compressed."""
RATES = (0.12, 0.25, 0.5)
STRENGTHS = (0.0, 0.7, 1.0, 1.4, 2.0)


@dataclass(frozen=True)
class MapRow:
    """Means over the pictures of what a strength gives at a rate; strength 0 is the even map."""

    rate: float
    """The target of every stream, in bits per pixel."""
    strength: float
    bpp: float
    psnr: float
    ms_ssim: float
    lpips: float
    map_share: float
    """Of the stream's bits, as the entropy model has it, that the map takes."""
    streaks: float
    """`streak_share` of the decoded pictures."""
    original_streaks: float

    def __str__(self) -> str:
        return (
            f"{self.rate} bpp, strength {self.strength:g}: {self.bpp:.4f} bpp, {self.psnr:.2f} dB, "
            f"MS-SSIM {self.ms_ssim:.4f}, {lpips_name()} {self.lpips:.4f}, map {self.map_share:.2%}, "
            f"streaks {self.streaks:.3f} (originals {self.original_streaks:.3f})"
        )


def held_out_middles(folders: Sequence[Path], count: int) -> list[Image.Image]:
    """The middles of ``count`` photographs, at most, of the validation split, evenly over the folders' names.

    Raises:
        ImageError: none is large enough, or a file cannot be read.
    """
    paths = [path for folder in folders for path in photographs(folder, validation=True)]
    large = [path for path in paths if _is_large(load_image(path))]
    if not large:
        raise ImageError(
            f"There is no held-out photograph of at least {SIDES[0]} × {SIDES[1]} pixels in "
            f"{', '.join(map(str, folders))}; every tenth one is held out."
        )
    chosen = np.linspace(0, len(large) - 1, min(count, len(large))).round().astype(int)
    return [_middle(load_image(large[index])) for index in chosen]


def compare_strengths(
    codec: Codec, images: Sequence[Image.Image], rates: Sequence[float], strengths: Sequence[float]
) -> Iterator[MapRow]:
    """One row for each rate and strength, from x̂ alone."""
    for rate in rates:
        for strength in strengths:
            kind = QualityMapKind.ADAPTIVE if strength else QualityMapKind.EVEN
            streams = [
                codec.encode(image, bpp=rate, allocation=Allocation(kind, strength=strength))
                for image in tqdm(images, desc=f"{rate} bpp, strength {strength:g}", leave=False, disable=None)
            ]
            originals, decoded = list(map(np.asarray, images)), list(map(codec.reconstruct, streams))
            scores = [measure(*pair) for pair in zip(originals, decoded, strict=True)]
            yield MapRow(
                rate,
                strength,
                bpp=fmean(8 * len(s) / (image.width * image.height) for s, image in zip(streams, images, strict=True)),
                psnr=fmean(score.psnr for score in scores),
                ms_ssim=fmean(there(score.ms_ssim) for score in scores),
                lpips=fmean(there(score.lpips) for score in scores),
                map_share=fmean(codec.quality_map(stream).bits / (8 * len(stream)) for stream in streams),
                streaks=fmean(map(streak_share, decoded)),
                original_streaks=fmean(map(streak_share, originals)),
            )


def command(
    data: Annotated[list[Path], typer.Option(help="Folder of photographs; every tenth is held out.", exists=True)],
    bpp: Annotated[list[float], typer.Option(help="Rates; may be given more than once.")] = list(RATES),  # noqa: B006
    strength: Annotated[
        list[float], typer.Option(help="Levels for each doubling of the local variance; may be repeated.")
    ] = list(STRENGTHS),  # noqa: B006
    pictures: Annotated[int, typer.Option(min=1, help="How many photographs.")] = 12,
    checkpoints: Annotated[Path, typer.Option(help="Folder of the networks.", exists=True)] = CHECKPOINTS,
    out: Annotated[Path, typer.Option(help="JSON file for the figures.")] = RESULTS / "maps.json",
) -> None:
    """Strengths of the adaptive quality map on held-out photographs, by what x̂ is worth at equal bytes."""
    codec, images = Codec.from_pretrained(checkpoints), held_out_middles(data, pictures)
    rows = []
    for row in compare_strengths(codec, images, bpp, strength):
        rows.append(row)
        typer.echo(str(row))
        figures = {"pictures": len(images), "weights": codec.weights_hash("autoencoder"), "lpips": lpips_name()}
        write_figures(out, figures | {"rows": [asdict(row) for row in rows]})


def _is_large(image: Image.Image) -> bool:
    return image.width >= SIDES[0] and image.height >= SIDES[1]


def _middle(image: Image.Image) -> Image.Image:
    left, top = (image.width - SIDES[0]) // 2, (image.height - SIDES[1]) // 2
    return image.crop((left, top, left + SIDES[0], top + SIDES[1]))
