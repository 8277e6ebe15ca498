"""``python -m pipeline evaluate``: the figures of the README, measured."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pipeline.codec import Codec
from pipeline.comparison.baselines import PLAIN_CODECS
from pipeline.comparison.catalogue import plain
from pipeline.evaluation import (
    engines,
    lpips_check,
    maps,
    plots,
    profiling,
    robustness,
    scaling,
    speed,
    streaks,
    tables,
)
from pipeline.evaluation import quality as measuring
from pipeline.evaluation.campaign import campaign_curve
from pipeline.evaluation.canvas import saved
from pipeline.evaluation.fuzzing import commands as fuzzing
from pipeline.evaluation.inputs import Data, pictures_below
from pipeline.evaluation.judging import judge
from pipeline.evaluation.results import ABLATIONS, KODAK_RESULTS, RESULTS, ULTRALOW_RESULTS, load_results, write_figures
from pipeline.evaluation.studies import (
    RATES,
    ULTRALOW_RATES,
    ablation_study,
    all_studies,
    reconstruction_methods,
    repaints_and_controls,
    shrunken_methods,
    ultralow_studies,
)
from pipeline.images import load_image
from pipeline.settings import Decoder, DecodeSettings, SystemName

app = typer.Typer(
    help="Measure quality, speed, exactness and robustness. Without a sub-command: everything about quality, with "
    "tables and plots.\n\nExample: python -m pipeline evaluate --data kodak/",
)

CAMPAIGN = RESULTS / "campaigns" / "autoencoder"
Out = Annotated[Path, typer.Option(help="JSON file for the figures.")]
Figures = Annotated[Path, typer.Argument(help="JSON written by the quality command.", exists=True)]


@app.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Folder of pictures.", exists=True)] = None,
    out: Out = KODAK_RESULTS,
) -> None:
    if context.invoked_subcommand is not None:
        return
    if data is None:
        raise typer.BadParameter("say which pictures: --data FOLDER")
    codec, pictures = Codec.from_pretrained(), pictures_below(data)
    for study in all_studies():
        for row in measuring.evaluate(codec, pictures, study.rates, study.methods, out):
            typer.echo(f"{row.rate} bpp  {tables.table_line(row)}")
    table(out)
    ultralow = out.with_name(f"{out.stem}-ultralow.json")
    ultralow_command(data, ultralow)
    plot(out, ultralow, out.parent)


@app.command()
def quality(
    data: Data,
    out: Out = KODAK_RESULTS,
    bpp: Annotated[list[float], typer.Option(help="Rates; may be given more than once.")] = [0.25],  # noqa: B006
    repaint: Annotated[
        list[str] | None, typer.Option(help="decoder:steps:noise, such as diffusion:25:0.5; may be repeated.")
    ] = None,
) -> None:
    """Rate, PSNR, MS-SSIM, LPIPS, KD and FD on real streams; continues an interrupted run."""
    methods = reconstruction_methods() + repaints_and_controls([_repaint(entry) for entry in repaint or []])
    for row in measuring.evaluate(Codec.from_pretrained(), pictures_below(data), bpp, methods, out):
        typer.echo(f"{row.rate} bpp  {tables.table_line(row)}")


def _repaint(entry: str) -> DecodeSettings:
    try:
        name, steps, noise = entry.split(":")
        settings = DecodeSettings(Decoder(name), int(steps), float(noise))
    except ValueError:
        raise typer.BadParameter(f"“{entry}” is not decoder:steps:noise", param_hint="--repaint") from None
    if not settings.decoder.paints:
        raise typer.BadParameter(f"{name} paints nothing; it is measured without being asked", param_hint="--repaint")
    return settings


@app.command("ultralow")
def ultralow_command(data: Data, out: Out = ULTRALOW_RESULTS) -> None:
    """The same figures below 0.03 bits per pixel, for the ultra-low codec; continues an interrupted run."""
    codec, pictures = Codec.from_pretrained(), pictures_below(data)
    for study in ultralow_studies():
        for row in measuring.evaluate(codec, pictures, study.rates, study.methods, out, SystemName.ULTRALOW):
            typer.echo(f"{row.rate} bpp  {tables.table_line(row)}")


@app.command("plain")
def plain_command(data: Data, out: Out = KODAK_RESULTS, ultralow: Out = ULTRALOW_RESULTS) -> None:
    """Add the conventional codecs that are missing, at the sizes of the streams measured so far."""
    codec, pictures = Codec.from_pretrained(), pictures_below(data)
    for path, methods, rates, system in (
        (out, [plain(name) for name in PLAIN_CODECS], RATES, SystemName.STANDARD),
        (ultralow, shrunken_methods(), ULTRALOW_RATES, SystemName.ULTRALOW),
    ):
        for row in measuring.evaluate(codec, pictures, rates, methods, path, system):
            typer.echo(f"{row.rate} bpp  {tables.table_line(row)}")


@app.command("ablations")
def ablations_command(
    data: Data,
    systems: Annotated[Path, typer.Argument(help="Folder of checkpoint folders, one a trained variant.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for the figures, one file a variant.")] = ABLATIONS,
) -> None:
    """The ultra-low system without one of its parts, each trained alike, and their table."""
    study = ablation_study()
    for folder in sorted(path for path in systems.iterdir() if path.is_dir()):
        codec, figures = Codec.from_pretrained(folder), out / f"{folder.name}.json"
        for row in measuring.evaluate(
            codec, pictures_below(data), study.rates, study.methods, figures, SystemName.ULTRALOW
        ):
            typer.echo(f"{folder.name}  {row.rate} bpp  {tables.table_line(row)}")
    typer.echo(tables.ablation_table({path.stem: load_results(path) for path in sorted(out.glob("*.json"))}))


@app.command()
def table(figures: Figures = KODAK_RESULTS) -> None:
    """Print the figures as Markdown, one table a rate, and the Bjøntegaard figures where there is an autoencoder."""
    results = load_results(figures)
    typer.echo(tables.rate_tables(results))
    if results.select("autoencoder"):
        typer.echo("\n" + tables.saving_table(results))


@app.command()
def plot(
    figures: Figures = KODAK_RESULTS,
    ultralow: Figures = ULTRALOW_RESULTS,
    folder: Annotated[Path, typer.Argument(help="Where the SVGs go.")] = RESULTS,
) -> None:
    """Draw the rate, steps and distortion–perception curves."""
    for path in plots.save_all(load_results(figures), load_results(ultralow), folder):
        typer.echo(str(path))


@app.command("campaign")
def campaign_command(
    logs: Annotated[Path, typer.Argument(help="Folder of logs of one training, a phase each.", exists=True)] = CAMPAIGN,
    folder: Annotated[Path, typer.Option(help="Where the SVGs go.")] = RESULTS,
) -> None:
    """Draw how the held-out loss fell in training."""
    phases = sorted(logs.glob("*.jsonl"))
    if not phases:
        raise typer.BadParameter(f"there is no log (*.jsonl) in {logs}", param_hint="LOGS")
    for dark in (False, True):
        curve = campaign_curve(phases, dark)
        typer.echo(str(saved(curve, folder, f"campaign-{logs.name}", dark)))


@app.command("speed")
def speed_command(
    picture: Annotated[Path, typer.Option(help="A picture, 768 × 512 by custom.", exists=True)],
    out: Out = RESULTS / "speed.json",
    repeats: Annotated[int, typer.Option(min=1)] = 5,
    others: Annotated[bool, typer.Option(help="Time other people's networks, too; takes minutes.")] = True,
    profile: Annotated[bool, typer.Option("--profile", help="Say where the time goes, and nothing else.")] = False,
) -> None:
    """Seconds as ratios to a compressai hyperprior timed in the same run."""
    image, timings = load_image(picture), []
    if profile:
        for part in profiling.profile_all(Codec.from_pretrained(), image, speed.BPP, DecodeSettings()):
            typer.echo(part)
        return
    for timing in speed.time_all(image, repeats, others):
        timings.append(timing)
        typer.echo(timing)
    write_figures(out, [asdict(timing) for timing in timings])


@app.command("engines")
def engines_command(
    picture: Annotated[Path, typer.Option(help="A picture, 768 × 512 by custom.", exists=True)],
    out: Out = RESULTS / "engines.json",
    repeats: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """One network evaluation by torch.compile and by OpenVINO, where installed, and what their start costs."""
    timings = []
    for timing in engines.time_engines(load_image(picture), repeats):
        timings.append(timing)
        typer.echo(timing)
    write_figures(out, [asdict(timing) for timing in timings])


@app.command("scaling")
def scaling_command(
    picture: Annotated[Path, typer.Option(help="Any picture; it is resized.", exists=True)],
    out: Out = RESULTS / "scaling.json",
) -> None:
    """Seconds and peak memory from a quarter to twelve megapixels, each in a fresh process."""
    load_image(picture)  # what is wrong with it is said here, not by the processes
    costs = []
    for cost in scaling.measure_sizes(picture):
        costs.append(cost)
        typer.echo(
            f"{cost.megapixels:5.2f} MP: encode {cost.encode_seconds:.2f} s, decode {cost.decode_seconds:.2f} s, "
            f"step {cost.step_seconds:.2f} s, {cost.seconds_per_megapixel:.2f} s a megapixel, "
            f"peak {cost.peak_gigabytes:.2f} GB"
        )
    typer.echo(f"largest departure from linear: {scaling.unevenness(costs):.1%}")
    write_figures(out, [asdict(cost) for cost in costs])


@app.command("robustness")
def robustness_command(data: Data, out: Out = RESULTS / "robustness.json") -> None:
    """Exactness of latents under threads, bf16 and oneDNN settings; refusal of damaged streams."""
    codec = Codec.from_pretrained(device="cpu")
    pictures = pictures_below(data)
    figures = {}
    for system in SystemName:
        identical, count = robustness.exact_pictures(codec, pictures, system)
        stream = codec.encode(load_image(pictures[0]), quality=0.2, codec=system)
        refused = robustness.refused_damage(codec, stream)
        figures[system.value] = {"pictures": count, "identical latents": identical} | refused
    typer.echo(json.dumps(figures, indent=1))
    write_figures(out, figures)


app.command("maps")(maps.command)
app.command("streaks")(streaks.command)


@app.command("lpips")
def lpips_command(
    data: Annotated[list[Path], typer.Option(help="Folder that was trained on; every tenth photograph is held out.")],
    test: Annotated[Path | None, typer.Option(help="A further folder of pictures, such as Kodak.", exists=True)] = None,
    out: Out = RESULTS / "lpips.json",
) -> None:
    """Agreement of the distilled LPIPS with the official one on held-out pictures, by kind of distortion."""
    codec = Codec.from_pretrained(device="cpu")
    sets = {"held out": lpips_check.held_out_pictures(data)}
    if test is not None:
        sets["test"] = [lpips_check.middle(np.asarray(load_image(path))) for path in pictures_below(test)]
    figures: dict[str, Any] = {"weights": codec.weights_hash("lpips")}
    for name, pictures in sets.items():
        found = lpips_check.by_kind(lpips_check.compare(codec, pictures))
        for kind, row in found.items():
            typer.echo(f"{name}, {kind}: {row.pairs} pairs, Pearson {row.pearson:.4f}, Spearman {row.spearman:.4f}")
        figures[name] = {"pictures": len(pictures)} | {kind: asdict(row) for kind, row in found.items()}
    write_figures(out, figures)


app.command("fuzz")(fuzzing.streams)
app.command("fuzz-pictures")(fuzzing.pictures)
app.command("yardsticks")(judge)
