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

NETWORKS = {
    "autoencoder": Autoencoder,
    "diffusion": DiffusionDecoder,
    "flow": FlowDecoder,
    "lpips": DistilledSqueezeNet,
}


def release(runs: Path, checkpoints: Path) -> None:
    """Writes ``checkpoints/NAME`` for every finished ``runs/NAME/model``."""
    for name, model_class in NETWORKS.items():
        trained = runs / name / "model"
        if not trained.exists():
            continue
        model = model_class.from_pretrained(trained, torch_dtype=torch.float16, low_cpu_mem_usage=False)
        model.save_pretrained(checkpoints / name, safe_serialization=True)
        shutil.copyfile(runs / name / "training.json", checkpoints / name / "training.json")


if __name__ == "__main__":
    release(Path(sys.argv[1]), Path(sys.argv[2]))
