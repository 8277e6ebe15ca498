"""A wider range of rates for a trained autoencoder."""

import numpy as np
import pytest
import torch

from pipeline.autoencoder.stretch import stretch
from pipeline.layers.quality import uniform_map
from tests.conftest import synthetic_picture, untrained_autoencoder


@torch.no_grad()
def test_stretch_keeps_what_every_lambda_does() -> None:
    old, new = untrained_autoencoder().eval(), untrained_autoencoder().eval()
    for model in (old, new):
        for path in (model.analysis_path, model.synthesis_path):
            torch.nn.init.constant_(path.head.weight, 0.01)
    stretch(new, (0.0001, 0.06))
    image = torch.from_numpy(np.array(synthetic_picture(256, 256, 0))).permute(2, 0, 1)[None] / 255
    for quality in (uniform_map(torch.tensor([0.4])), uniform_map(torch.tensor([0.8]))):
        weight = new.rate_lambda(quality)
        before = torch.log(weight / 0.0004) / np.log(0.06 / 0.0004)
        torch.testing.assert_close(old.rate_lambda(before), weight)
        y = old.analysis(image, before)
        torch.testing.assert_close(new.analysis(image, quality), y, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(new.synthesis(y, quality), old.synthesis(y, before), atol=1e-4, rtol=1e-4)
        # Not exactly: beyond the border stand zeros, whatever the quality means.
        torch.testing.assert_close(new.entropy(y, quality).bits, old.entropy(y, before).bits, atol=0, rtol=0.02)
    with pytest.raises(ValueError, match="lambda"):
        stretch(new, (0.06, 0.0001))
