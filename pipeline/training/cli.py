"""``python -m pipeline train``: one sub-command for each network that ships."""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from accelerate import PartialState
from diffusers.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file

from pipeline.autoencoder import Autoencoder
from pipeline.autoencoder.stretch import stretch
from pipeline.autoencoder.training import AutoencoderTask
from pipeline.codec import CHECKPOINTS
from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.metrics.perceptual.networks import DISTILLED_FOLDER
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.metrics.perceptual.training import BlockTask, EndToEndTask, prepare
from pipeline.score import DiffusionDecoder, FlowDecoder, ScoreDecoder
from pipeline.score.training import ScoreTask
from pipeline.training.data import DETAIL, OBJECTS, Mix, PhotoSet
from pipeline.training.distortions import PairSet
from pipeline.training.loop import Task, train
from pipeline.training.presets import PRESETS, Preset
from pipeline.ultralow.ablation import Part, remove
from pipeline.ultralow.encoders import SqueezeSemantics
from pipeline.ultralow.feature_coder import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.training import LossWeights, UltraLow, UltraLowTask, decoded_latents
from pipeline.ultralow.vae import BlockVAE
from pipeline.ultralow.vae_training import VAEDecoderTask, VAETask

app = typer.Typer(
    help="Train the networks in checkpoints/. Stage 2 is trained on pictures decoded by a finished stage 1.\n\n"
    "Example: python -m pipeline train diffusion --data photos/ --out runs/diffusion --resume",
    no_args_is_help=True,
)

Data = Annotated[list[Path], typer.Option(help="Folder of photographs; may be given more than once.", exists=True)]
Out = Annotated[Path, typer.Option(help="Folder of the run: state.pt, log.jsonl and model/ are written there.")]
Clean = Annotated[
    list[Path] | None, typer.Option("--clean", help="Folder of photographs that are clean at full size.", exists=True)
]
PresetName = Annotated[str, typer.Option("--preset", help="embedded (two CPU cores), base (GPU), or ablation.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue from the run's state.pt.")]
Steps = Annotated[int | None, typer.Option(help="Training steps instead of the preset's.", min=1)]
Minutes = Annotated[float | None, typer.Option(help="Stop with a checkpoint after so many minutes of training.", min=0)]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate instead of the preset's.")]
Stage1 = Annotated[Path, typer.Option("--autoencoder", help="The finished stage 1.", exists=True)]
Init = Annotated[Path | None, typer.Option(help="A trained decoder to start from.", exists=True)]

_FULL_PRECISION = {"torch_dtype": torch.float32, "low_cpu_mem_usage": False}


def _preset(network: str, name: str, steps: int | None, learning_rate: float | None = None) -> Preset:
    if (network, name) not in PRESETS:
        raise typer.BadParameter(f"there is no preset “{name}” for {network}")
    preset = PRESETS[network, name]
    asked = {"steps": steps, "learning_rate": learning_rate}
    given = {field: value for field, value in asked.items() if value is not None}
    return replace(preset, training=replace(preset.training, **given))


def _run(
    task: Task,
    preset: Preset,
    data: list[Path],
    out: Path,
    resume: bool,
    minutes: float | None,
    mix: Mix = DETAIL,
    clean: list[Path] | None = None,
) -> None:
    photos = PhotoSet.load(data, preset.training.crop, mix=mix, clean=clean)
    _report(train(task, photos.crops, preset.training, out, resume, minutes), preset)


def _report(figures: dict[str, float], preset: Preset) -> bool:
    """Prints the figures of a run, once; returns whether it reached its last step."""
    finished = figures["step"] >= preset.training.steps
    if PartialState().is_main_process:
        typer.echo(json.dumps(figures, indent=2))
        if not finished:
            typer.echo(f"Stopped after step {figures['step']} of {preset.training.steps}; --resume goes on.", err=True)
    return finished


@app.command()
def autoencoder(
    data: Data,
    clean: Clean = None,
    out: Out = Path("runs/autoencoder"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    learning_rate: Rate = None,
    init: Annotated[Path | None, typer.Option(help="A trained autoencoder to start from.", exists=True)] = None,
    lambda_range: Annotated[
        tuple[float, float] | None, typer.Option(help="Lagrangian weights of qualities 0 and 1.")
    ] = None,
    weighed_rounding: Annotated[
        bool, typer.Option("--weighed-rounding", help="Train on the rounding of real streams: for the last steps.")
    ] = False,
) -> None:
    """Stage 1: lambda * MSE + rate, every quality in one network."""
    chosen = _preset("autoencoder", preset, steps, learning_rate)
    torch.manual_seed(chosen.training.seed)
    validation = PhotoSet.load(data, chosen.training.crop, validation=True, clean=clean)
    model = Autoencoder(**chosen.model) if init is None else Autoencoder.from_pretrained(init, **_FULL_PRECISION)
    if lambda_range is not None:
        try:
            stretch(model, lambda_range)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--lambda-range") from error
    task = AutoencoderTask(model, validation, chosen.training.crop, weighed_rounding)
    _run(task, chosen, data, out, resume, minutes, clean=clean)


def _train_decoder(
    model_class: type[ScoreDecoder],
    chosen: Preset,
    data: list[Path],
    out: Path,
    resume: bool,
    minutes: float | None,
    stage1: Path,
    init: Path | None,
) -> None:
    torch.manual_seed(chosen.training.seed)
    model = model_class(**chosen.model)
    if init is not None:
        # Both decoders have the same networks; a flow from a diffusion model learns anew what time and target mean.
        model.load_state_dict(load_file(init / SAFETENSORS_WEIGHTS_NAME))
    frozen = Autoencoder.from_pretrained(stage1, torch_dtype=torch.float32).to(memory_format=torch.channels_last)
    validation = PhotoSet.load(data, chosen.training.crop, validation=True)
    # A flow keeps the residual scale of the diffusion model it starts from; trained on, each may meet a new stage 1.
    scale = init is None or model_class.load_config(init)["_class_name"] == model_class.__name__
    task = ScoreTask(model, frozen, validation, chosen.training.crop, scale)
    _run(task, chosen, data, out, resume, minutes)


@app.command()
def diffusion(
    data: Data,
    out: Out = Path("runs/diffusion"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    learning_rate: Rate = None,
    stage1: Stage1 = CHECKPOINTS / "autoencoder",
    init: Init = None,
) -> None:
    """Stage 2, HFD as a diffusion model: v_prediction on the scaled residual."""
    chosen = _preset("diffusion", preset, steps, learning_rate)
    _train_decoder(DiffusionDecoder, chosen, data, out, resume, minutes, stage1, init)


@app.command()
def flow(
    data: Data,
    out: Out = Path("runs/flow"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    learning_rate: Rate = None,
    stage1: Stage1 = CHECKPOINTS / "autoencoder",
    init: Init = CHECKPOINTS / "diffusion",
) -> None:
    """Stage 2, HFD as a rectified flow, started from the trained diffusion model (or from a flow)."""
    chosen = _preset("flow", preset, steps, learning_rate)
    _train_decoder(FlowDecoder, chosen, data, out, resume, minutes, stage1, init)


@app.command()
def lpips(
    data: Data,
    out: Out = Path("runs/lpips"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    stage1: Stage1 = CHECKPOINTS / "autoencoder",
) -> None:
    """The distilled LPIPS network: block by block on the teacher's maps (in OUT/blocks), then end to end."""
    phases = [_preset(name, preset, steps) for name in ("lpips blocks", "lpips")]
    size = phases[0].training.crop
    teacher = Teacher.load()
    frozen = Autoencoder.from_pretrained(stage1, torch_dtype=torch.float32).to(memory_format=torch.channels_last)
    pairs = PairSet(PhotoSet.load(data, size), frozen)
    calibration = pairs.draw(64, size, np.random.default_rng(0))
    held_out = PairSet(PhotoSet.load(data, size, validation=True), frozen).draw(64, size, np.random.default_rng(1))
    torch.manual_seed(phases[0].training.seed)
    model = DistilledSqueezeNet(**phases[0].model)
    prepare(model, teacher, calibration, fresh=True)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    figures = train(
        BlockTask(model, teacher, held_out), pairs.draw, phases[0].training, out / "blocks", resume, minutes
    )
    if not _report(figures, phases[0]):
        return
    model = DistilledSqueezeNet.from_pretrained(out / "blocks" / "model", low_cpu_mem_usage=False)
    prepare(model, teacher, calibration, fresh=False)
    minutes = None if deadline is None else max(0, (deadline - time.monotonic()) / 60)
    _report(
        train(EndToEndTask(model, teacher, held_out), pairs.draw, phases[1].training, out, resume, minutes), phases[1]
    )


@app.command()
def vae(
    data: Data,
    out: Out = Path("runs/vae"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
) -> None:
    """The latent space of the ultra-low system: L1 + LPIPS, then frozen."""
    chosen = _preset("vae", preset, steps)
    torch.manual_seed(chosen.training.seed)
    validation = PhotoSet.load(data, chosen.training.crop, validation=True, mix=OBJECTS)
    task = VAETask(BlockVAE(**chosen.model), Teacher.load(), validation, chosen.training.crop)
    _run(task, chosen, data, out, resume, minutes, OBJECTS)


def _trained_system(folder: Path) -> UltraLow:
    return UltraLow(
        FeatureCoder.from_pretrained(folder / "ultralow", **_FULL_PRECISION),
        LatentPainter.from_pretrained(folder / "painter", **_FULL_PRECISION),
    )


def _semantic_encoder() -> SqueezeSemantics:
    return SqueezeSemantics(DistilledSqueezeNet.from_pretrained(DISTILLED_FOLDER, **_FULL_PRECISION))


@app.command()
def vae_decoder(
    data: Data,
    out: Out = Path("runs/vae_decoder"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    init: Annotated[Path, typer.Option(help="Folder of a trained system with its vae.", exists=True)] = CHECKPOINTS,
) -> None:
    """The decoder of the latent space, trained on what a finished ultra-low system decodes."""
    chosen = _preset("vae decoder", preset, steps)
    torch.manual_seed(chosen.training.seed)
    validation = PhotoSet.load(data, chosen.training.crop, validation=True, mix=OBJECTS)
    model = BlockVAE.from_pretrained(init / "vae", **_FULL_PRECISION)
    system = _trained_system(init).requires_grad_(False).to(memory_format=torch.channels_last)
    decoded = partial(decoded_latents, system, model, _semantic_encoder().requires_grad_(False))
    task = VAEDecoderTask(model, decoded, Teacher.load(), validation, chosen.training.crop)
    _run(task, chosen, data, out, resume, minutes, OBJECTS)


@app.command()
def ultralow(
    data: Data,
    out: Out = Path("runs/ultralow"),
    preset: PresetName = "embedded",
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    learning_rate: Rate = None,
    stage1: Stage1 = CHECKPOINTS / "autoencoder",
    latent_space: Annotated[Path, typer.Option("--vae", help="The finished latent space.", exists=True)] = CHECKPOINTS
    / "vae",
    init: Annotated[
        Path | None, typer.Option(help="Folder of a trained system to start from, such as checkpoints/.", exists=True)
    ] = None,
    painter_only: Annotated[
        bool, typer.Option("--painter-only", help="Keep the coder as it is: streams stay valid.")
    ] = False,
    without: Annotated[Part | None, typer.Option(help="Leave a part out, for the ablation table.")] = None,
) -> None:
    """The ultra-low system: triple encoder, latent compression, reconstruction and latent diffusion, jointly."""
    chosen = _preset("ultralow", preset, steps, learning_rate)
    if painter_only and init is None:
        raise typer.BadParameter("needs --init, a system whose coder is trained", param_hint="--painter-only")
    torch.manual_seed(chosen.training.seed)
    validation = PhotoSet.load(data, chosen.training.crop, validation=True, mix=OBJECTS)
    model = UltraLow(FeatureCoder(), LatentPainter()) if init is None else _trained_system(init)
    model.coder.requires_grad_(not painter_only)
    if not painter_only:
        model.coder.distortion_encoder.copy_from(Autoencoder.from_pretrained(stage1, torch_dtype=torch.float32))
    weights = LossWeights()
    if without is not None:
        weights = remove(without, model.coder, model.painter, weights)
    frozen = BlockVAE.from_pretrained(latent_space, torch_dtype=torch.float32)
    task = UltraLowTask(model, frozen, _semantic_encoder(), Teacher.load(), validation, chosen.training.crop, weights)
    _run(task, chosen, data, out, resume, minutes, OBJECTS)
