"""The latent diffusion model: dual features guide a U-Net that paints what the stream could not hold."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.layers.model import Model, configured
from pipeline.precision import native
from pipeline.score.schedule import TRAIN_TIMESTEPS, flow_scheduler, stepped
from pipeline.tiles import Tile, blend_tiles
from pipeline.ultralow.feature_coder import Guidance
from pipeline.ultralow.vae import DOWN

TILE = 1024
"""Pictures up to this many pixels a side are painted whole."""
OVERLAP = 256


EMBEDDED_UNET: dict[str, Any] = {
    "block_out_channels": (128, 160, 192),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 128,
    "attention_head_dim": 8,
    "norm_num_groups": 16,
}
"""The U-Net that ships: small enough for two CPU cores."""


class LatentPainter(Model):
    """Predicts ``r = (latents - coarse) / s`` from ``x_t = (1 - t) r + t eps``: the residual form of HFD in the VAE's
    space, `sample` prediction, straight paths.

    Pixel features are added at every level of the U-Net, the way a ControlNet's are; semantic tokens enter by
    cross-attention.
    """

    @configured
    def __init__(
        self,
        latent_channels: int = 32,
        feature_channels: tuple[int, int, int] = (96, 160, 256),
        semantic_channels: int = 512,
        unet_config: dict[str, Any] | None = None,
    ):
        """``unet_config``: the other arguments of `UNet2DConditionModel`; None for `EMBEDDED_UNET`."""
        super().__init__()
        self.unet = UNet2DConditionModel(
            in_channels=2 * latent_channels,
            out_channels=latent_channels,
            encoder_hid_dim=semantic_channels,
            encoder_hid_dim_type="text_proj",
            **(unet_config or EMBEDDED_UNET),
        )
        nn.init.zeros_(self.unet.conv_out.weight)
        nn.init.zeros_(self.unet.conv_out.bias)
        widths = self.unet.config["block_out_channels"]
        skips = [(0, widths[0]), *_skips(widths, self.unet.config["layers_per_block"])]
        self._skip_levels = [level for level, _ in skips]
        deepest = len(feature_channels) - 1
        self.inject = nn.ModuleList(
            nn.Conv2d(feature_channels[min(level, deepest)], width, 1) for level, width in skips
        )
        self.inject_mid = nn.Conv2d(feature_channels[-1], widths[-1], 1)

    @classmethod
    def from_unet(
        cls, unet: UNet2DConditionModel, feature_channels: tuple[int, int, int], semantic_channels: int
    ) -> "LatentPainter":
        """A painter that starts from the weights of a latent U-Net, such as a text-to-image model's.

        The coarse latents enter by input channels that start at zero, the semantic features by a new projection.
        """
        taken = {"in_channels", "out_channels", "encoder_hid_dim", "encoder_hid_dim_type"}
        arguments = {
            name: value for name, value in unet.config.items() if name not in taken and not name.startswith("_")
        }
        painter = cls(unet.config["out_channels"], feature_channels, semantic_channels, arguments)
        state = unet.state_dict()
        first = state["conv_in.weight"]
        state["conv_in.weight"] = torch.cat([first, torch.zeros_like(first)], 1)
        painter.unet.load_state_dict(state, strict=False)
        return painter

    def predict(self, x: Tensor, time: Tensor, guidance: Guidance) -> Tensor:
        """The clean residual ``r`` expected at ``x`` ``(batch, latent_channels, H/8, W/8)`` and time ``(batch,)`` in
        (0, 1]; float32."""
        with native(self.unet.dtype, x.device):
            return self._predicted(x, time, guidance).float()

    def _predicted(self, x: Tensor, time: Tensor, guidance: Guidance) -> Tensor:
        maps = list(guidance.pixel_features)
        while len(maps) < len(self.unet.config["block_out_channels"]):
            maps.append(F.avg_pool2d(maps[-1], 2))
        skips = [conv(maps[level]) for conv, level in zip(self.inject, self._skip_levels, strict=True)]
        inputs = torch.cat([x, guidance.coarse], 1).to(self.unet.dtype).contiguous(memory_format=torch.channels_last)
        predicted: Tensor = self.unet(
            inputs,
            time * TRAIN_TIMESTEPS,
            encoder_hidden_states=guidance.semantic.flatten(2).transpose(1, 2),
            down_block_additional_residuals=tuple(skips),
            mid_block_additional_residual=self.inject_mid(maps[-1]),
        ).sample
        return predicted

    @torch.no_grad()
    def sample(
        self, guidance: Guidance, num_inference_steps: int, noise_level: float, generator: torch.Generator
    ) -> Iterator[tuple[float, Tensor]]:
        """Yields, for every step, the noise level reached and the latents expected at the end.

        Args:
            noise_level: in (0, 1]; where on the path from the coarse latents to pure noise sampling starts.
            generator: a CPU generator, so that a seed means the same on every device.
        """
        scale = guidance.log_scale.exp()
        x = noise_level * torch.randn(scale.shape, generator=generator).to(scale.device)
        scheduler = flow_scheduler()
        sigmas = np.linspace(noise_level, noise_level / num_inference_steps, num_inference_steps)
        scheduler.set_timesteps(sigmas=sigmas.tolist())
        for index, timestep in enumerate(scheduler.timesteps):
            time = timestep.item() / TRAIN_TIMESTEPS
            clean = self._evaluate(x, torch.full_like(scale[:, 0, 0, 0], time), guidance)
            x = stepped(scheduler, (x - clean) / time, timestep, x)
            yield scheduler.sigmas[index + 1].item(), guidance.coarse + scale * clean

    def _evaluate(self, x: Tensor, time: Tensor, guidance: Guidance) -> Tensor:
        """`predict` over the whole picture, tile by tile where it is large; one noise field is shared by all."""
        if max(x.shape[2:]) * DOWN <= TILE:
            return self.predict(x, time, guidance)

        def tile_of(tile: Tile) -> Tensor:
            return self.predict(x[(..., *tile.slices(DOWN))], time, guidance.crop(tile))

        return blend_tiles(tile_of, x, DOWN, TILE, OVERLAP)


def _skips(widths: tuple[int, ...], layers: int) -> list[tuple[int, int]]:
    """Level (0: 1/8 of the picture, 1: 1/16, ...) and width of the skip connections after the first, in the U-Net's
    order."""
    found = []
    for level, width in enumerate(widths):
        found += [(level, width)] * layers
        if level + 1 < len(widths):
            found.append((level + 1, width))
    return found
