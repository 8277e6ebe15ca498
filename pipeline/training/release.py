"""Stores trained runs as what ships: fp16 safetensors, config, and the settings that trained them.

python -m pipeline.training.release runs checkpoints
"""

import shutil
import sys
from pathlib import Path

import torch

from pipeline.autoencoder import Autoencoder
from pipeline.metrics.distilled import DistilledSqueezeNet
from pipeline.score import DiffusionDecoder, FlowDecoder
from pipeline.ultralow.codec import FeatureCoder
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.vae import BlockVAE

NETWORKS = {
    "autoencoder": (Autoencoder, "autoencoder/model"),
    "diffusion": (DiffusionDecoder, "diffusion/model"),
    "flow": (FlowDecoder, "flow/model"),
    "lpips": (DistilledSqueezeNet, "lpips/model"),
    "vae": (BlockVAE, "vae/model"),
    "ultralow": (FeatureCoder, "ultralow/model/coder"),
    "painter": (LatentPainter, "ultralow/model/painter"),
}
"""Class and place in the folder of runs of everything in ``checkpoints/``."""


def release(runs: Path, checkpoints: Path) -> None:
    """Writes ``checkpoints/NAME`` for every finished run."""
    for name, (model_class, place) in NETWORKS.items():
        trained = runs / place
        if not trained.exists():
            continue
        model = model_class.from_pretrained(trained, torch_dtype=torch.float16, low_cpu_mem_usage=False)
        model.save_pretrained(checkpoints / name, safe_serialization=True)
        shutil.copyfile(runs / Path(place).parts[0] / "training.json", checkpoints / name / "training.json")


if __name__ == "__main__":
    release(Path(sys.argv[1]), Path(sys.argv[2]))
