"""Makes the task of each network: what it starts from, and which finished networks it needs.

Every function is given the run and options of its own, declared as the command line shows them, and yields the phases
of the run.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from diffusers.utils.constants import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file
from torch import Tensor

from pipeline.autoencoder import Autoencoder
from pipeline.autoencoder.stretch import stretch
from pipeline.autoencoder.training import AutoencoderTask
from pipeline.codec import CHECKPOINTS
from pipeline.layers.model import channels_last, loaded, whole
from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.metrics.perceptual.networks import DISTILLED_FOLDER
from pipeline.metrics.perceptual.teacher import Teacher
from pipeline.metrics.perceptual.training import BlockTask, EndToEndTask, prepare
from pipeline.score import DiffusionDecoder, FlowDecoder, ScoreDecoder
from pipeline.score.repaint_training import RepaintTask
from pipeline.score.training import ScoreTask
from pipeline.training.critics import Critics
from pipeline.training.distortions import PairSet
from pipeline.training.eyes import Eyes
from pipeline.training.run import Phase, Run
from pipeline.ultralow.ablation import Part, remove
from pipeline.ultralow.encoders import SqueezeSemantics
from pipeline.ultralow.feature_coder import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.repaint_training import UltraLowRepaintTask
from pipeline.ultralow.training import LossWeights, UltraLow, UltraLowTask, decoded_latents
from pipeline.ultralow.vae import BlockVAE
from pipeline.ultralow.vae_training import VAEDecoderTask, VAETask

Stage1 = Annotated[Path, typer.Option("--autoencoder", help="The finished stage 1.", exists=True)]
Init = Annotated[Path | None, typer.Option(help="A trained decoder to start from.", exists=True)]

_FULL_PRECISION: dict[str, Any] = {"torch_dtype": torch.float32, "low_cpu_mem_usage": False}


def autoencoder(
    run: Run,
    init: Annotated[Path | None, typer.Option(help="A trained autoencoder to start from.", exists=True)] = None,
    lambda_range: Annotated[
        tuple[float, float] | None, typer.Option(help="Lagrangian weights of qualities 0 and 1.")
    ] = None,
    lapped: Annotated[
        bool, typer.Option("--lapped", help="Put the filter across block edges into a trained autoencoder without it.")
    ] = False,
    weighed_rounding: Annotated[
        bool, typer.Option("--weighed-rounding", help="Train on the rounding of real streams: for the last steps.")
    ] = False,
) -> Iterator[Phase]:
    """Stage 1, new, trained on, or for a wider range of rates."""
    run.seed()
    validation = run.photos(validation=True)
    if init is None:
        model = Autoencoder(**run.preset.model)
    else:
        added: dict[str, Any] = {"lapped": True} if lapped else {}
        model = loaded(Autoencoder, init, **_FULL_PRECISION, **added)
    if lambda_range is not None:
        try:
            stretch(model, lambda_range)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--lambda-range") from error
    yield run.phase(AutoencoderTask(model, validation, run.config.crop, weighed_rounding))


def diffusion(run: Run, stage1: Stage1 = CHECKPOINTS / "autoencoder", init: Init = None) -> Iterator[Phase]:
    """Stage 2 as a diffusion model, on a finished stage 1."""
    yield _score_phase(run, DiffusionDecoder, stage1, init)


def repaint(
    run: Run,
    stage1: Stage1 = CHECKPOINTS / "autoencoder",
    init: Init = None,
    critics: Annotated[bool, typer.Option("--critics", help="Train against critics: for the end.")] = False,
) -> Iterator[Phase]:
    """Stage 2 as one network that paints, for diffusion and flow alike, on a teacher and a finished stage 1."""
    run.seed()
    model = DiffusionDecoder(**run.preset.model)
    if init is not None:
        try:
            model.start_from(_weights(init))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--init") from error
    validation, autoencoder = run.photos(validation=True), _stage1(stage1)
    eyes = Eyes(Teacher.load(), critics=Critics() if critics else None)
    yield run.phase(RepaintTask(model, autoencoder, eyes, validation, run.config.crop))


def flow(run: Run, stage1: Stage1 = CHECKPOINTS / "autoencoder", init: Init = None) -> Iterator[Phase]:
    """Stage 2 as a rectified flow, on a finished stage 1 and usually from such a diffusion model."""
    yield _score_phase(run, FlowDecoder, stage1, init)


def _score_phase(run: Run, model_class: type[ScoreDecoder], stage1: Path, init: Path | None) -> Phase:
    run.seed()
    model = model_class(**run.preset.model)
    if init is not None:
        # Both decoders have the same networks; a flow from a diffusion model learns anew what time and target mean.
        try:
            model.load_state_dict(_weights(init))
        except RuntimeError as error:
            raise typer.BadParameter(
                f"{init} holds another network than `train diffusion` and `train flow` make", param_hint="--init"
            ) from error
    # A flow keeps the residual scale of the diffusion model it starts from; trained on, each may meet a new stage 1.
    scale = init is None or model_class.class_in(init) == model_class.__name__
    return run.phase(ScoreTask(model, _stage1(stage1), run.photos(validation=True), run.config.crop, scale))


def lpips(run: Run, stage1: Stage1 = CHECKPOINTS / "autoencoder") -> Iterator[Phase]:
    """The distilled LPIPS network, on a teacher and pairs of pictures: its blocks first, then all of it."""
    blocks, end_to_end = run.preset.phases
    teacher, decoded_by = Teacher.load(), _stage1(stage1)
    pairs = PairSet(run.photos(), decoded_by)
    calibration = pairs.draw(64, blocks.crop, np.random.default_rng(0))
    held_out = PairSet(run.photos(validation=True), decoded_by).draw(64, blocks.crop, np.random.default_rng(1))
    run.seed()
    model = DistilledSqueezeNet(**run.preset.model)
    prepare(model, teacher, calibration, fresh=True)
    yield Phase(BlockTask(model, teacher, held_out), pairs.draw, blocks, run.out / "blocks")
    model = loaded(DistilledSqueezeNet, run.out / "blocks" / "model", low_cpu_mem_usage=False)
    prepare(model, teacher, calibration, fresh=False)
    yield Phase(EndToEndTask(model, teacher, held_out), pairs.draw, end_to_end, run.out)


def vae(run: Run) -> Iterator[Phase]:
    """The latent space, on a teacher."""
    run.seed()
    validation = run.photos(validation=True)
    yield run.phase(VAETask(BlockVAE(**run.preset.model), Teacher.load(), validation, run.config.crop))


def vae_decoder(
    run: Run,
    init: Annotated[Path, typer.Option(help="Folder of a trained system with its vae.", exists=True)] = CHECKPOINTS,
) -> Iterator[Phase]:
    """The latent space's decoder, on a teacher and a finished ultra-low system."""
    run.seed()
    validation = run.photos(validation=True)
    model = loaded(BlockVAE, init / "vae", **_FULL_PRECISION)
    system = channels_last(_ultralow_system(init).requires_grad_(False))
    decoded = partial(decoded_latents, system, model, _semantic_encoder().requires_grad_(False))
    yield run.phase(VAEDecoderTask(model, decoded, Teacher.load(), validation, run.config.crop))


def ultralow(
    run: Run,
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
) -> Iterator[Phase]:
    """The ultra-low system, on a teacher, a finished stage 1, latent space and distilled LPIPS network."""
    if painter_only and init is None:
        raise typer.BadParameter("needs --init, a system whose coder is trained", param_hint="--painter-only")
    run.seed()
    validation = run.photos(validation=True)
    model = UltraLow(FeatureCoder(), LatentPainter()) if init is None else _ultralow_system(init)
    model.coder.requires_grad_(not painter_only)
    if not painter_only:
        model.coder.distortion_encoder.copy_from(loaded(Autoencoder, stage1, torch_dtype=torch.float32))
    weights = LossWeights()
    if without is not None:
        weights = remove(without, model.coder, model.painter, weights)
    frozen = loaded(BlockVAE, latent_space, torch_dtype=torch.float32)
    task = UltraLowTask(model, frozen, _semantic_encoder(), Teacher.load(), validation, run.config.crop, weights)
    yield run.phase(task)


def ultralow_repaint(
    run: Run,
    init: Annotated[
        Path, typer.Option(help="Folder of a trained system with its vae to start from.", exists=True)
    ] = CHECKPOINTS,
    critics: Annotated[bool, typer.Option("--critics", help="Train against critics.")] = False,
) -> Iterator[Phase]:
    """The ultra-low painter and the latent space's decoder on what eyes notice, on a teacher; streams stay valid."""
    run.seed()
    validation = run.photos(validation=True)
    vae = loaded(BlockVAE, init / "vae", **_FULL_PRECISION)
    eyes = Eyes(Teacher.load(), critics=Critics() if critics else None)
    system = channels_last(_ultralow_system(init))
    yield run.phase(UltraLowRepaintTask(system, vae, _semantic_encoder(), eyes, validation, run.config.crop))


def _weights(folder: Path) -> dict[str, Tensor]:
    with whole(folder):
        return load_file(folder / SAFETENSORS_WEIGHTS_NAME)


def _stage1(folder: Path) -> Autoencoder:
    return channels_last(loaded(Autoencoder, folder, torch_dtype=torch.float32))


def _ultralow_system(folder: Path) -> UltraLow:
    return UltraLow(
        loaded(FeatureCoder, folder / "ultralow", **_FULL_PRECISION),
        loaded(LatentPainter, folder / "painter", **_FULL_PRECISION),
    )


def _semantic_encoder() -> SqueezeSemantics:
    return SqueezeSemantics(loaded(DistilledSqueezeNet, DISTILLED_FOLDER, **_FULL_PRECISION))
