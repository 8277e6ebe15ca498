"""The mean of the weights of runs that started from each other (model soup, Wortsman et al. 2022, arXiv 2203.05482).

Between a painter before and after its critics lies one that is more faithful than the second and as lifelike.

python -m pipeline.training.average runs/repaint/model runs/critics/model runs/repaint/model
"""

import shutil
import sys
from pathlib import Path

import torch
from diffusers.utils.constants import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file, save_file

from pipeline.files import atomic_folder


def average(models: list[Path], out: Path) -> None:
    """Writes the model whose weights are the mean of those of ``models``, folders of one architecture, with the config
    of the first.

    Raises:
        ValueError: the architectures differ.
    """
    weights = [load_file(model / SAFETENSORS_WEIGHTS_NAME) for model in models]
    shapes = [{name: value.shape for name, value in each.items()} for each in weights]
    if any(other != shapes[0] for other in shapes):
        raise ValueError(
            f"{[str(model) for model in models]} are not of one architecture; average runs of one network."
        )
    mean = {
        name: torch.stack([each[name].float() for each in weights]).mean(0).to(value.dtype)
        for name, value in weights[0].items()
    }
    with atomic_folder(out) as folder:
        shutil.copyfile(models[0] / CONFIG_NAME, folder / CONFIG_NAME)
        save_file(mean, folder / SAFETENSORS_WEIGHTS_NAME, {"format": "pt"})


if __name__ == "__main__":
    *found, target = map(Path, sys.argv[1:])
    average(found, target)
