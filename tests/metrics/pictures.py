"""A picture to compare, and the networks to compare by."""

import numpy as np
import pytest

from pipeline.metrics.perceptual import DISTILLED
from pipeline.metrics.perceptual.backbones import BACKBONES

needs_squeezenet = pytest.mark.skipif(
    not BACKBONES["squeeze"].path.exists(),
    reason="SqueezeNet's weights are not in the torch hub folder (set TORCH_HOME)",
)


networks = pytest.mark.parametrize("network", [pytest.param("squeeze", marks=needs_squeezenet), DISTILLED])


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth gradient with noise, so that scores are neither perfect nor degenerate."""
    ramp = np.linspace(40, 200, width)[None, :, None] + np.linspace(-30, 30, height)[:, None, None]
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)
