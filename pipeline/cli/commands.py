"""The commands, each from its arguments to what it writes."""

import json
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from pipeline.cli.folders import is_folder, refuse_folder_options, run_folder
from pipeline.cli.options import (
    Bpp,
    Compute,
    Force,
    Invented,
    Noise,
    OnRay,
    Originals,
    OwnNoise,
    OwnSteps,
    Picture,
    Pictures,
    PngOut,
    PngsOut,
    Quality,
    QualityMap,
    Resume,
    Seed,
    Shift,
    Steps,
    Stream,
    StreamOut,
    Streams,
    Workers,
    examples,
)
from pipeline.cli.options import Table as CsvFile
from pipeline.cli.options import rate as chosen_rate
from pipeline.cli.shell import Commands, note
from pipeline.cli.work import (
    allocation_of,
    check_png,
    encode,
    load_codec,
    load_picture,
    map_facts,
    names_mask,
    png,
    sources_of,
    steps_shown,
    write_invented,
)
from pipeline.cli.work import facts as stream_facts
from pipeline.errors import ImageError, SettingsError
from pipeline.files import STANDARD_STREAM, check_output, identity, read_input, write_output
from pipeline.settings import Decoder, DecodeSettings, Precision, SystemName

_DEFAULTS = DecodeSettings()

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Bitbrush: a few bits sketch the picture, diffusion paints the detail back.",
    epilog="python -m pipeline COMMAND --help shows examples.",
)


@app.command(
    epilog=examples(
        "compress photo.jpg photo.bbr --bpp 0.25",
        "compress photo.jpg photo.bbr --quality 0.7 --force",
        "compress photo.jpg photo.bbr --codec ultralow --bpp 0.02",
        "compress photo.jpg photo.bbr --bpp 0.1 --map mask.png",
        "compress photo.jpg photo.bbr --bpp 0.1 --map even",
        "compress - - < photo.png > photo.bbr",
        "compress photos/ streams/ --bpp 0.25 --workers 2 --resume",
    )
)
def compress(
    source: Pictures,
    out: StreamOut,
    quality: Quality = None,
    bpp: Bpp = None,
    codec: Annotated[SystemName, typer.Option(help="ultralow is for 0.03 bpp and below.")] = SystemName.STANDARD,
    quality_map: QualityMap = None,
    force: Force = False,
    workers: Workers = 1,
    resume: Resume = False,
    csv: CsvFile = None,
    ray: OnRay = False,
) -> None:
    """Compress a picture, or every picture below a folder, into streams of real bytes."""
    rate = chosen_rate(quality, bpp)
    if is_folder(source, out):
        allocation = allocation_of(quality_map, codec)
        if allocation.mask is not None:
            raise SettingsError("A mask is for a single picture; compress the pictures that have one by themselves.")
        from pipeline.batch import Batch, Compression

        run_folder(Compression(codec, allocation.kind, **rate), Batch(source, out, workers, resume, force, csv, ray))
        return
    refuse_folder_options(source, workers=workers > 1, resume=resume, csv=csv, ray=ray)
    from pipeline.stream import has_map

    sources = sources_of(source, quality_map)
    check_output(out, force, *sources)
    image = load_picture(source)
    stream = encode(load_codec(), image, rate, codec, quality_map)
    write_output(out, stream, force, *sources)
    facts = stream_facts(stream)
    note("{width} × {height} pixels: {bytes:,} bytes, {bpp:.4f} bpp at quality {quality:.3f}".format_map(facts))
    if names_mask(quality_map) and not has_map(stream):
        note("The mask changed nothing: it is all one tone (what is transparent is white), or the stream is too small.")
    if bpp is not None and facts["bpp"] > bpp:
        note(f"This is the smallest stream of this picture; {bpp:g} bpp cannot be reached.")


@app.command(
    epilog=examples(
        "decompress photo.bbr photo.png",
        "decompress photo.bbr photo.png --decoder flow --steps 4 --seed 7",
        "decompress photo.bbr photo.png --decoder autoencoder",
        "decompress ultralow.bbr photo.png --decoder coarse",
        "decompress photo.bbr photo.png --invented invented.png",
        "decompress - - < photo.bbr > photo.png",
        "decompress streams/ painted/ --originals photos/ --resume",
    )
)
def decompress(
    source: Streams,
    out: PngsOut,
    decoder: Annotated[Decoder, typer.Option(help="What makes the picture from the stream.")] = _DEFAULTS.decoder,
    steps: OwnSteps = None,
    noise: OwnNoise = None,
    seed: Seed = _DEFAULTS.seed,
    shift: Shift = None,
    precision: Compute = Precision.AUTO,
    force: Force = False,
    workers: Workers = 1,
    resume: Resume = False,
    csv: CsvFile = None,
    ray: OnRay = False,
    originals: Originals = None,
    invented: Invented = None,
) -> None:
    """Decode a stream, which knows its codec, into a picture; detail is painted back by diffusion and flow.

    Of a folder, every stream below it.
    """
    from pipeline.batch import Batch, Decompression

    compared = None if originals is None else str(originals.absolute())
    order = Decompression(decoder, steps, noise, seed, shift, precision, compared)
    if is_folder(source, out):
        if invented is not None:
            raise SettingsError("--invented is for a single stream; leave it away.")
        run_folder(order, Batch(source, out, workers, resume, force, csv, ray))
        return
    refuse_folder_options(source, workers=workers > 1, resume=resume, csv=csv, ray=ray, originals=originals)
    check_png(out, force, source)
    if invented is not None:
        check_png(invented, force, source)
        if identity(invented) == identity(out):
            raise SettingsError("The picture and --invented cannot be the same file; give one of them another name.")
    from pipeline.stream import read_header

    stream = read_input(source)
    settings = order.settings(read_header(stream).codec)
    with steps_shown(settings.decoder) as show:
        for record in load_codec(precision).decode(stream, settings):
            if record.step == 0:
                x_hat = record.image
            show(record)
    write_output(out, png(record.image), force, source)
    if invented is not None:
        write_invented(invented, record.image, x_hat, force, source)


@app.command(epilog=examples("info photo.bbr", "info photo.bbr --json"))
def info(
    source: Stream, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Show what a stream says of itself, and its real bits per pixel."""
    stream = read_input(source)
    facts = stream_facts(stream) | map_facts(stream, load_codec)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        if value is None:
            continue
        typer.echo(f"{name.replace('_', ' '):{width}}  {f'{value:.4f}' if isinstance(value, float) else value}")


@app.command(
    epilog=examples("compare photo.jpg sheet.png --bpp 0.25", "compare photo.jpg sheet.png --quality 0.3 --steps 50")
)
def compare(
    source: Picture,
    out: PngOut,
    quality: Quality = None,
    bpp: Bpp = None,
    steps: Steps = _DEFAULTS.num_inference_steps,
    noise: Noise = _DEFAULTS.noise_level,
    seed: Seed = _DEFAULTS.seed,
    quality_map: QualityMap = None,
    precision: Compute = Precision.AUTO,
    force: Force = False,
) -> None:
    """Put one picture through every method at the same bytes: a contact sheet and a table."""
    from pipeline.comparison import CodecSubject
    from pipeline.comparison.catalogue import side_by_side
    from pipeline.comparison.sheet import Cell, contact_sheet
    from pipeline.metrics import lpips_name, measure

    rate = chosen_rate(quality, bpp)
    sources = sources_of(source, quality_map)
    check_png(out, force, *sources)
    image = load_picture(source)
    original = np.asarray(image)
    codec = load_codec(precision)
    subject = CodecSubject(codec, original, encode(codec, image, rate, quality_map=quality_map))
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
            with steps_shown(method.label) as show:
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
    write_output(out, png(contact_sheet(cells)), force, *sources)
    Console(stderr=out == STANDARD_STREAM).print(table)
    for reason in reasons:
        note(reason)
    if lpips_name() is None:
        note("There is no LPIPS: its network is neither in the torch hub folder nor reachable.")


@app.command(epilog=examples("verify"))
def verify() -> None:
    """Decode the conformance streams and say what differs from what is recorded of them."""
    from pipeline.conformance import verify as verdicts

    different = 0
    for verdict in verdicts(load_codec(Precision.AUTO)):
        typer.echo(f"{verdict.name}: {'; '.join(verdict.differences) or 'agrees'}")
        different += bool(verdict.differences)
    if different:
        raise typer.Exit(1)
