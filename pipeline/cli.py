"""The command line: ``python -m pipeline compress | decompress | info | compare | verify | train | evaluate``.

Exit codes: 0 done, 1 a `BitbrushError` (one sentence on stderr), 2 wrong usage. A file name of ``-`` is stdin or
stdout. Existing files are only replaced with ``--force``, and output takes its name when it is complete.
"""

import dataclasses
import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.table import Table
from tqdm import tqdm
from typer.core import TyperGroup

from pipeline.errors import BitbrushError, ImageError, SettingsError
from pipeline.files import STANDARD_STREAM, check_output, is_stream, read_input, write_output
from pipeline.settings import (
    DEFAULT_SETTINGS,
    MAX_SEED,
    MAX_SHIFT,
    MAX_STEPS,
    CodecName,
    Decoder,
    DecodeSettings,
    DecodeStep,
)

if TYPE_CHECKING:
    from pipeline.codec import Codec

DEFAULT_QUALITY = 0.5
_DEFAULTS = DecodeSettings()


_LATE = {"train": "pipeline.training.cli", "evaluate": "pipeline.evaluation.cli"}
"""Commands whose modules need more than the app does; imported when they are called."""


class _Commands(TyperGroup):
    """Turns every `BitbrushError` into one line on stderr and exit code 1; finds the late commands."""

    def list_commands(self, ctx: typer.Context) -> list[str]:
        return [*super().list_commands(ctx), *_LATE]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:
        if cmd_name in _LATE:
            command = typer.main.get_command(importlib.import_module(_LATE[cmd_name]).app)
            command.name = cmd_name
            return command
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: typer.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BitbrushError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Bitbrush: a few bits sketch the picture, diffusion paints the detail back.",
    epilog="python -m pipeline COMMAND --help shows examples.",
)


def main() -> NoReturn:
    """Runs the command line and exits; a standard stream that is closed, full or cut off costs a sentence at most."""
    _occupy_closed_streams()
    try:
        app(prog_name="python -m pipeline")
    except SystemExit as exit:
        code = exit.code
    except OSError as error:
        if error.strerror is None:
            raise
        _note(f"Error: {error.filename or 'Standard output'} cannot be used ({error.strerror}).")
        code = 1
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # What is left could not be written when Python ends, either, which would then say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    sys.exit(code)


def _occupy_closed_streams() -> None:
    """Opens nothing in place of closed standard streams, so that no other file takes their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")


def _examples(*lines: str) -> str:
    return "\n\n".join(("Examples:", *(f"python -m pipeline {line}" for line in lines)))


Quality = Annotated[
    float | None, typer.Option(min=0, max=1, help=f"0 smallest, 1 best; {DEFAULT_QUALITY} unless given.")
]
Bpp = Annotated[float | None, typer.Option(min=0.001, help="Bits per pixel to aim at, instead of --quality.")]
Steps = Annotated[int, typer.Option(min=1, max=MAX_STEPS, help="Sampling steps.")]
Noise = Annotated[float, typer.Option(min=0, max=1, help="0 is the autoencoder's picture, 1 the most realistic.")]
OwnSteps = Annotated[
    int | None, typer.Option(min=1, max=MAX_STEPS, help="Sampling steps; the codec's own number unless given.")
]
OwnNoise = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="0 is the picture without painting, 1 the most; the codec's own unless given."),
]
Shift = Annotated[
    float | None,
    typer.Option(
        min=1 / MAX_SHIFT,
        max=MAX_SHIFT,
        help="Shift of diffusion's noise schedule; above 1 as in text-to-image. The trained one unless given.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="The same seed paints the same detail.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing output file.")]
Picture = Annotated[Path, typer.Argument(metavar="PICTURE", help="PNG, JPEG, WebP, AVIF, …, or - for stdin.")]
Stream = Annotated[Path, typer.Argument(metavar="STREAM", help="A .bbr file, or - for stdin.")]
StreamOut = Annotated[Path, typer.Argument(metavar="OUT.bbr", help="The stream to write, or - for stdout.")]
PngOut = Annotated[Path, typer.Argument(metavar="OUT.png", help="The PNG file to write, or - for stdout.")]


@app.command(
    epilog=_examples(
        "compress photo.jpg photo.bbr --bpp 0.25",
        "compress photo.jpg photo.bbr --quality 0.7 --force",
        "compress photo.jpg photo.bbr --codec ultralow --bpp 0.02",
        "compress photo.jpg photo.bbr --bpp 0.1 --map mask.png",
        "compress - - < photo.png > photo.bbr",
    )
)
def compress(
    source: Picture,
    out: StreamOut,
    quality: Quality = None,
    bpp: Bpp = None,
    codec: Annotated[CodecName, typer.Option(help="ultralow is for 0.03 bpp and below.")] = CodecName.STANDARD,
    mask: Annotated[
        Path | None,
        typer.Option("--map", metavar="MASK", help="A picture of the same shape: more bits for its bright parts."),
    ] = None,
    force: Force = False,
) -> None:
    """Compress a picture into a stream of real bytes."""
    rate = _rate(quality, bpp)
    check_output(out, force, source)
    image = _load_picture(source)
    stream = _encode(_load_codec(), image, rate, codec, mask and _load_picture(mask))
    write_output(out, stream, force, source)
    facts = _facts(stream)
    _note("{width} × {height} pixels: {bytes:,} bytes, {bpp:.4f} bpp at quality {quality:.3f}".format_map(facts))
    if bpp is not None and facts["bpp"] > bpp:
        _note(f"This is the smallest stream of this picture; {bpp:g} bpp cannot be reached.")


@app.command(
    epilog=_examples(
        "decompress photo.bbr photo.png",
        "decompress photo.bbr photo.png --decoder flow --steps 4 --seed 7",
        "decompress photo.bbr photo.png --decoder autoencoder",
        "decompress ultralow.bbr photo.png --decoder coarse",
        "decompress - - < photo.bbr > photo.png",
    )
)
def decompress(
    source: Stream,
    out: PngOut,
    decoder: Annotated[Decoder, typer.Option(help="What makes the picture from the stream.")] = _DEFAULTS.decoder,
    steps: OwnSteps = None,
    noise: OwnNoise = None,
    seed: Seed = _DEFAULTS.seed,
    shift: Shift = None,
    force: Force = False,
) -> None:
    """Decode a stream, which knows its codec, into a picture; detail is painted back by diffusion and flow."""
    _check_png(out, force, source)
    from pipeline.stream import read_header

    stream = read_input(source)
    own = DEFAULT_SETTINGS[read_header(stream).codec]
    settings = DecodeSettings(
        decoder, steps or own.num_inference_steps, own.noise_level if noise is None else noise, seed, shift
    )
    with _steps_shown(settings.decoder) as show:
        for record in _load_codec().decode(stream, settings):
            show(record)
    write_output(out, _png(record.image), force, source)


@app.command(epilog=_examples("info photo.bbr", "info photo.bbr --json"))
def info(
    source: Stream, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Show what a stream says of itself, and its real bits per pixel."""
    facts = _facts(read_input(source))
    if as_json:
        typer.echo(json.dumps(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' '):{width}}  {f'{value:.4f}' if isinstance(value, float) else value}")


@app.command(
    epilog=_examples("compare photo.jpg sheet.png --bpp 0.25", "compare photo.jpg sheet.png --quality 0.3 --steps 50")
)
def compare(
    source: Picture,
    out: PngOut,
    quality: Quality = None,
    bpp: Bpp = None,
    steps: Steps = _DEFAULTS.num_inference_steps,
    noise: Noise = _DEFAULTS.noise_level,
    seed: Seed = _DEFAULTS.seed,
    force: Force = False,
) -> None:
    """Put one picture through every method at the same bytes: a contact sheet and a table."""
    from pipeline.comparison import CodecSubject
    from pipeline.comparison.catalogue import side_by_side
    from pipeline.comparison.sheet import Cell, contact_sheet
    from pipeline.metrics import lpips_name, measure

    rate = _rate(quality, bpp)
    _check_png(out, force, source)
    image = _load_picture(source)
    original = np.asarray(image)
    codec = _load_codec()
    subject = CodecSubject(codec, original, _encode(codec, image, rate))
    lpips = lpips_name() or "LPIPS"
    caption = "The grain control has as much noise as brings it to the PSNR of diffusion."
    table = Table("method", "bytes", "bpp", "PSNR dB", "MS-SSIM", lpips, caption=caption)
    for column in table.columns[1:]:
        column.justify = "right"
    cells = [Cell("Original", f"{image.width} × {image.height} pixels", original)]
    diffusion, flow = (DecodeSettings(decoder, steps, noise, seed) for decoder in (Decoder.DIFFUSION, Decoder.FLOW))
    reasons = []
    for method in tqdm(side_by_side(diffusion, flow), unit="method", disable=None, leave=False):
        try:
            with _steps_shown(method.label) as show:
                made = method.run(subject, show)
        except ImageError as error:
            table.add_row(method.label, *"–––––")
            cells.append(Cell(method.label, str(error).replace("; ", ";\n"), None))
            reasons.append(str(error))
            continue
        scores = measure(original, made.picture)
        figures = (
            f"{made.bytes:,}",
            f"{8 * made.bytes / (image.width * image.height):.3f}",
            f"{scores.psnr:.2f}",
            *("n/a" if score is None else f"{score:.4f}" for score in (scores.ms_ssim, scores.lpips)),
        )
        table.add_row(made.label, *figures)
        caption = "{} bytes, {} bpp\n{} dB, MS-SSIM {}, {lpips} {}".format(*figures, lpips=lpips)
        cells.append(Cell(made.label, caption, made.picture))
    write_output(out, _png(contact_sheet(cells)), force, source)
    Console(stderr=out == STANDARD_STREAM).print(table)
    for reason in reasons:
        _note(reason)
    if lpips_name() is None:
        _note("There is no LPIPS: its network is neither in the torch hub folder nor reachable.")


@app.command(epilog=_examples("verify"))
def verify() -> None:
    """Decode the conformance streams and say what differs from what is recorded of them."""
    from pipeline.conformance import verify as verdicts

    different = 0
    for verdict in verdicts(_load_codec()):
        typer.echo(f"{verdict.name}: {'; '.join(verdict.differences) or 'agrees'}")
        different += bool(verdict.differences)
    if different:
        raise typer.Exit(1)


def _rate(quality: float | None, bpp: float | None) -> dict[str, float]:
    """The one rate argument of `Codec.encode`."""
    if quality is not None and bpp is not None:
        raise typer.BadParameter("Give either --quality or --bpp, not both.")
    return {"bpp": bpp} if bpp is not None else {"quality": DEFAULT_QUALITY if quality is None else quality}


def _load_codec() -> "Codec":
    from pipeline.codec import Codec

    return Codec.from_pretrained()


def _encode(
    codec: "Codec",
    image: Image.Image,
    rate: dict[str, float],
    name: CodecName = CodecName.STANDARD,
    mask: Image.Image | None = None,
) -> bytes:
    with Console(stderr=True).status("compressing"):
        return codec.encode(image, **rate, codec=name, mask=mask)


@contextmanager
def _steps_shown(title: str) -> Iterator[Callable[[DecodeStep], None]]:
    """What shows the steps of a decode as a progress bar on stderr while a person watches."""
    with tqdm(desc=title, unit="step", disable=None, leave=False) as bar:

        def show(record: DecodeStep) -> None:
            bar.total, bar.n = record.total, record.step
            bar.refresh()

        yield show


def _facts(stream: bytes) -> dict[str, Any]:
    """The header's fields and what follows from them; raises `StreamError` for a damaged stream."""
    from pipeline.stream import read_header

    header = read_header(stream)
    return dataclasses.asdict(header) | {"quality": header.quality, "bytes": header.total_bytes, "bpp": header.bpp}


def _note(text: str) -> None:
    typer.echo(text, err=True)


def _load_picture(source: Path) -> Image.Image:
    from pipeline.images import read_picture

    picture = read_picture(read_input(source) if is_stream(source) else source)
    for note in picture.notes:
        _note(note)
    return picture.image


def _check_png(out: Path, force: bool, source: Path) -> None:
    if not is_stream(out) and out.suffix.lower() != ".png":
        raise SettingsError(f"Pictures are written as PNG; give {out} a name that ends in .png.")
    check_output(out, force, source)


def _png(picture: np.ndarray | Image.Image) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()
