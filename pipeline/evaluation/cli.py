"""``python -m pipeline evaluate``: the figures of the README, measured."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.codec import Codec
from pipeline.evaluation import quality as quality_figures
from pipeline.evaluation import robustness, speed
from pipeline.images import load_image
from pipeline.settings import Decoder, DecodeSettings

app = typer.Typer(
    help="Measure quality, speed, exactness and robustness.\n\n"
    "Example: python -m pipeline evaluate quality --data kodak/ --out assets/results/kodak.json",
    no_args_is_help=True,
)

Data = Annotated[Path, typer.Option(help="Folder of pictures.", exists=True)]
Out = Annotated[Path, typer.Option(help="JSON file for the figures.")]


def _pictures(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"})
    if not paths:
        raise typer.BadParameter(f"no pictures in {folder}")
    return paths


@app.command()
def quality(
    data: Data,
    out: Out = Path("assets/results/kodak.json"),
    bpp: Annotated[list[float], typer.Option(help="Rates; may be given more than once.")] = [0.12, 0.25, 0.5],  # noqa: B006
    repaint: Annotated[
        list[str] | None, typer.Option(help="decoder:steps:noise, such as diffusion:25:0.5; instead of the defaults.")
    ] = None,
    sketch_only: Annotated[bool, typer.Option("--sketch-only", help="Leave the score-based decoders out.")] = False,
) -> None:
    """Rate, PSNR, MS-SSIM, LPIPS, KD and FD of every method on real streams; continues an interrupted run."""
    settings = quality_figures.DEFAULT_REPAINTS
    if repaint:
        parts = [entry.split(":") for entry in repaint]
        settings = [DecodeSettings(Decoder(name), int(steps), float(noise)) for name, steps, noise in parts]
    methods = quality_figures.sketch_methods() | quality_figures.repaint_methods([] if sketch_only else settings)
    for row in quality_figures.evaluate(Codec.from_pretrained(), _pictures(data), bpp, methods, out):
        typer.echo(f"{row.rate} bpp  {quality_figures.table_line(row)}")


@app.command()
def table(
    figures: Annotated[Path, typer.Argument(help="JSON written by the quality command.", exists=True)],
) -> None:
    """Print the figures as Markdown, one table a rate."""
    state = json.loads(figures.read_text())
    rows = [quality_figures.Row(**row) for row in state["rows"]]
    for rate in sorted({row.rate for row in rows}):
        typer.echo(f"\n**At most {rate} bpp**\n")
        typer.echo(f"| method | bpp | PSNR dB | MS-SSIM | {state['lpips']} | KD | FD |")
        typer.echo("| --- | --- | --- | --- | --- | --- | --- |")
        for row in rows:
            if row.rate == rate:
                typer.echo(quality_figures.table_line(row))


@app.command("speed")
def speed_command(
    picture: Annotated[Path, typer.Option(help="A picture, 768 × 512 by custom.", exists=True)],
    out: Out = Path("assets/results/speed.json"),
    repeats: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """Seconds as ratios to a compressai hyperprior timed in the same run."""
    timings = speed.time_all(Codec.from_pretrained(device="cpu"), load_image(picture), repeats)
    for timing in timings:
        bar = "" if timing.bar is None else f"  (at most {timing.bar:.2f})"
        typer.echo(f"{timing.name}: {timing.ratio:.3f} Y = {timing.seconds:.3f} s{bar}")
    _write(out, [asdict(timing) for timing in timings])


@app.command("robustness")
def robustness_command(data: Data, out: Out = Path("assets/results/robustness.json")) -> None:
    """Exactness of latents under threads, bf16 and oneDNN settings; refusal of damaged streams."""
    codec = Codec.from_pretrained(device="cpu")
    pictures = _pictures(data)
    identical, count = robustness.exact_pictures(codec, pictures)
    stream = codec.encode(load_image(pictures[0]), quality=0.2)
    figures = {"pictures": count, "identical latents": identical} | robustness.refused_damage(codec, stream)
    typer.echo(json.dumps(figures, indent=1))
    _write(out, figures)


def _write(path: Path, figures: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
