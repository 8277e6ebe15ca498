"""Shared fixtures: small pictures, a tiny random autoencoder, the shipped codec."""

import os

os.environ.setdefault("BITBRUSH_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from pipeline.autoencoder import Autoencoder
from pipeline.codec import Codec

EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"


def synthetic_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth shapes with some texture: compressible, but not flat."""
    rng = np.random.default_rng(seed)
    noise = Image.fromarray(rng.integers(0, 256, (max(2, height // 8), max(2, width // 8), 3), dtype=np.uint8))
    smooth = np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2)))
    grain = rng.normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """``(width, height)`` (160, 120)."""
    return synthetic_picture(160, 120)


@pytest.fixture(scope="session")
def codec() -> Codec:
    """The shipped checkpoints on the CPU."""
    return Codec.from_pretrained(device="cpu")


def untrained_autoencoder() -> Autoencoder:
    """Random weights, every part of the real one, a thousandth of its work."""
    torch.manual_seed(0)
    return Autoencoder(
        luma_channels=16, chroma_channels=4, groups=(8, 16), widths=(8, 8, 8), blocks=(1, 1, 1),
        synthesis_blocks=(1, 1, 1), hyper_channels=8, feature_channels=8, context_channels=16,
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_autoencoder() -> Autoencoder:
    """An `untrained_autoencoder` that codes."""
    model = untrained_autoencoder()
    model.entropy.update()
    return model.eval()


@pytest.fixture(scope="session")
def example_pictures() -> list[Path]:
    return sorted(path for path in EXAMPLES.iterdir() if path.suffix in {".png", ".jpg", ".webp"})


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ten small photographs, one of them held out."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(10):
        synthetic_picture(200, 150, index).save(folder / f"{index}.jpg", quality=90)
    return folder
