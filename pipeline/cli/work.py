"""What the commands do between reading and writing."""

import dataclasses
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image
from rich.console import Console
from tqdm import tqdm

from pipeline.arrays import UInt8
from pipeline.cli.options import Rate
from pipeline.cli.shell import note
from pipeline.errors import SettingsError, StreamError
from pipeline.files import STDIN, check_output, identity, is_stream, read_input, write_output
from pipeline.settings import DEFAULT_ALLOCATIONS, Allocation, DecodeStep, Precision, QualityMapKind, SystemName

if TYPE_CHECKING:
    from pipeline.codec import Codec

_NAMED_MAPS = (QualityMapKind.EVEN, QualityMapKind.ADAPTIVE)


def load_codec(precision: Precision = Precision.AUTO) -> "Codec":
    from pipeline.codec import Codec

    return Codec.from_pretrained(precision=precision)


def sources_of(picture: Path, quality_map: str | None) -> tuple[Path, ...]:
    """The files that are read: the picture and, where there is one, the mask.

    Raises:
        SettingsError: both are the same pipe, which gives its content once.
    """
    if quality_map is None or not names_mask(quality_map):
        return (picture,)
    mask = Path(quality_map)
    if is_stream(picture) and is_stream(mask) and identity(picture, STDIN) == identity(mask, STDIN):
        raise SettingsError(f"The picture and the mask cannot both come from {mask}; give the mask the name of a file.")
    return picture, mask


def names_mask(quality_map: str | None) -> bool:
    """Whether it is the file of a mask, and no kind of map."""
    return quality_map is not None and quality_map not in _NAMED_MAPS


def allocation_of(quality_map: str | None, name: SystemName) -> Allocation:
    """``quality_map`` is a kind of map or the file of a mask; the codec's own unless given."""
    if quality_map is None:
        return DEFAULT_ALLOCATIONS[name]
    if quality_map in _NAMED_MAPS:
        return Allocation(QualityMapKind(quality_map))
    return Allocation(QualityMapKind.PAINTED, load_picture(Path(quality_map)))


def encode(
    codec: "Codec",
    image: Image.Image,
    rate: Rate,
    name: SystemName = SystemName.STANDARD,
    quality_map: str | None = None,
) -> bytes:
    """See `allocation_of` for ``quality_map``."""
    allocation = allocation_of(quality_map, name)
    with Console(stderr=True).status("compressing"):
        return codec.encode(image, **rate, codec=name, allocation=allocation)


@contextmanager
def steps_shown(title: str) -> Iterator[Callable[[DecodeStep], None]]:
    """What shows the steps of a decode as a progress bar on stderr while a person watches."""
    with tqdm(desc=title, unit="step", disable=None, leave=False) as bar:

        def show(record: DecodeStep) -> None:
            bar.total, bar.n = record.total, record.step
            bar.refresh()

        yield show


def facts(stream: bytes) -> dict[str, Any]:
    """The header's fields and what follows from them; raises `StreamError` for a damaged stream."""
    from pipeline.stream import read_header

    header = read_header(stream)
    return dataclasses.asdict(header) | {"quality": header.quality, "bytes": header.total_bytes, "bpp": header.bpp}


def map_facts(stream: bytes, load: Callable[[], "Codec"]) -> dict[str, Any]:
    """What the quality map of an undamaged stream does and costs; the codec, which reads the levels, is loaded only
    where there are any."""
    from pipeline.stream import has_map

    if not has_map(stream):
        return {"map": "even", "map_share": 0.0}
    try:
        quality = load().quality_map(stream)
    except StreamError:
        return {"map": "uneven; its levels cannot be read with these weights", "map_share": None}
    low, high = (int(level) for level in cast(Any, quality.levels).aminmax())
    return {"map": f"uneven, levels {low} to {high}", "map_share": quality.bits / (8 * len(stream))}


def load_picture(source: Path) -> Image.Image:
    from pipeline.images import read_picture

    picture = read_picture(read_input(source) if is_stream(source) else source)
    for text in picture.notes:
        note(text)
    return picture.image


def check_png(out: Path, force: bool, *sources: Path) -> None:
    if not is_stream(out) and out.suffix.lower() != ".png":
        raise SettingsError(f"Pictures are written as PNG; give {out} a name that ends in .png.")
    check_output(out, force, *sources)


def png(picture: UInt8 | Image.Image) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def write_invented(out: Path, picture: UInt8, x_hat: UInt8, force: bool, source: Path) -> None:
    """The map of how far a painted ``picture`` leaves ``x_hat``, both ``(H, W, 3)`` uint8; its scale goes to stderr."""
    from pipeline.comparison.invention import invented, invention_map

    levels = invented(picture, x_hat)
    drawn, top = invention_map(levels)
    write_output(out, png(drawn), force, source)
    note(f"{out}: {levels.mean():.1f} of 255 grey levels on average; black 0, brightest from {top}")
