"""Well-known networks to compare speeds with. Their weights are random: what they cost does not depend on them."""

import os
from collections.abc import Callable

import torch
from compressai.models import Cheng2020Anchor, MeanScaleHyperprior
from compressai.models.google import CompressionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image

from pipeline import images
from pipeline.layers.model import channels_last, frozen
from pipeline.precision import lower, native
from pipeline.settings import Precision

_SD_TURBO = {
    "block_out_channels": (320, 640, 1280, 1280),
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
"""The U-Net of ``stabilityai/sd-turbo``: 866 million weights."""
_SD_TURBO_BYTES = 8_000_000_000
"""Memory that a machine should have for it."""


def mbt2018_mean(image: Image.Image) -> Callable[[], object]:
    """Compresses and decompresses ``image`` by compressai's mean-scale hyperprior of the higher rates, which is the
    yardstick Y."""
    return _round_trip(MeanScaleHyperprior(192, 320), image)


def cheng2020_anchor(image: Image.Image) -> Callable[[], object]:
    """The same by Cheng et al. 2020 without attention, whose context model decodes position by position."""
    return _round_trip(Cheng2020Anchor(192), image)


def _round_trip(model: CompressionModel, image: Image.Image) -> Callable[[], object]:
    model.eval().update(force=True)
    padded = images.pad(images.to_tensor(image), 64)

    @torch.no_grad()
    def run() -> None:
        packed = model.compress(padded)
        model.decompress(packed["strings"], packed["shape"])

    return run


def sd_turbo_unet(image: Image.Image, precision: Precision) -> Callable[[], object] | None:
    """One evaluation of a U-Net of sd-turbo's size on the latents of ``image``; None where memory is short."""
    if os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") < _SD_TURBO_BYTES:
        return None
    unet = frozen(channels_last(UNet2DConditionModel(**_SD_TURBO)))
    lower(unet, precision)
    width, height = images.padded_size(*image.size, 64)
    latents, text = torch.randn(1, 4, height // 8, width // 8), torch.randn(1, 77, 1024)

    @torch.no_grad()
    def run() -> None:
        with native(unet.dtype, latents.device):
            unet(latents.to(unet.dtype), 999, encoder_hidden_states=text.to(unet.dtype))

    return run
