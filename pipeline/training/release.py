"""Stores trained runs as what ships: safetensors in 16 and 8 bits, config, and the settings that trained them.

python -m pipeline.training.release runs checkpoints
"""

import shutil
import sys
from pathlib import Path

import torch
from diffusers.utils.constants import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file, save_file

from pipeline.autoencoder import Autoencoder
from pipeline.files import atomic_folder
from pipeline.layers.model import Model, loaded
from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.score import DiffusionDecoder, FlowDecoder
from pipeline.ultralow.feature_coder import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.vae import BlockVAE

NETWORKS: dict[str, tuple[type[Model], str]] = {
    "autoencoder": (Autoencoder, "autoencoder/model"),
    "diffusion": (DiffusionDecoder, "repaint/model"),
    "flow": (FlowDecoder, "repaint/model"),
    "lpips": (DistilledSqueezeNet, "lpips/model"),
    "vae": (BlockVAE, "vae/model"),
    "ultralow": (FeatureCoder, "ultralow/model/coder"),
    "painter": (LatentPainter, "ultralow/model/painter"),
}
"""Class and place in the folder of runs of everything in ``checkpoints/``."""

EIGHT_BITS = {"painter": "", "ultralow": "distortion_encoder."}
"""What the names of weights begin with that ship in 8 bits: a painter that does not suffer from it, and an encoder that
is frozen. Nothing that a stream is decoded with; biases and norms stay in 16 bits."""


def store_in_eight_bits(file: Path, beginning: str) -> None:
    """Rewrites the matrices and kernels in a safetensors ``file`` whose names start with ``beginning`` as float8 e4m3:
    2.7 % of rounding noise, half of the size."""
    weights = load_file(file)
    for name, value in weights.items():
        if name.startswith(beginning) and value.ndim > 1:
            weights[name] = value.to(torch.float8_e4m3fn)
    save_file(weights, file, {"format": "pt"})


def release(runs: Path, checkpoints: Path) -> None:
    """Writes ``checkpoints/NAME`` for every finished run."""
    for name, (model_class, place) in NETWORKS.items():
        trained = runs / place
        if not trained.exists():
            continue
        model = loaded(model_class, trained, torch_dtype=torch.float16, low_cpu_mem_usage=False)
        with atomic_folder(checkpoints / name) as folder:
            model.save_pretrained(folder, safe_serialization=True)
            if name in EIGHT_BITS:
                store_in_eight_bits(folder / SAFETENSORS_WEIGHTS_NAME, EIGHT_BITS[name])
            shutil.copyfile(runs / Path(place).parts[0] / "training.json", folder / "training.json")


if __name__ == "__main__":
    release(Path(sys.argv[1]), Path(sys.argv[2]))
