"""The full-size ultra-low system: public weights in the places of our small networks.

A folder in the layout of ``checkpoints/`` whose ``vae`` is diffusers' `AutoencoderKL` and whose ``semantic`` is
transformers' `Dinov2Model` is loaded by the same code as ours; see `load_vae` and `load_semantic_encoder`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from pipeline.metrics.perceptual.distilled import DistilledSqueezeNet
from pipeline.systems.base import Loader
from pipeline.ultralow.encoders import STRIDE, SemanticEncoder, SqueezeSemantics
from pipeline.ultralow.vae import BlockVAE, LatentSpace

if TYPE_CHECKING:
    from transformers import Dinov2Model

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class PublicVAE(nn.Module):
    """A latent diffusion model's VAE, such as that of ``stabilityai/sd-turbo``, as a `LatentSpace`."""

    def __init__(self, vae: AutoencoderKL):
        super().__init__()
        self.vae = vae
        self.latent_channels: int = vae.config["latent_channels"]
        self._scaling: float = vae.config["scaling_factor"]

    def encode(self, image: Tensor) -> Tensor:
        latents: Tensor = self.vae.encode(2 * image - 1).latent_dist.mode()
        return latents * self._scaling

    def decode(self, latents: Tensor) -> Tensor:
        image: Tensor = self.vae.decode(latents / self._scaling).sample
        return image / 2 + 0.5

    def pixel_error(self, difference: Tensor) -> Tensor:
        """Latents of unit variance stand for pictures of a variance of about 1/16."""
        return difference.square().flatten(1).mean(1) / 16


class DinoSemantics(nn.Module):
    """The patch features of a DINOv2 network, such as ``facebook/dinov2-small``, as a `SemanticEncoder`."""

    def __init__(self, network: "Dinov2Model"):
        super().__init__()
        self.network = network
        self.channels: int = network.config.hidden_size

    def forward(self, image: Tensor) -> Tensor:
        rows, columns = image.shape[2] // STRIDE, image.shape[3] // STRIDE
        patch = self.network.config.patch_size
        mean, deviation = (image.new_tensor(value)[:, None, None] for value in (_IMAGENET_MEAN, _IMAGENET_DEVIATION))
        resized = F.interpolate(image, size=(rows * patch, columns * patch), mode="bicubic", antialias=True)
        tokens: Tensor = self.network((resized - mean) / deviation).last_hidden_state[:, 1:]
        maps: Tensor = tokens.transpose(1, 2).unflatten(2, (rows, columns))
        return maps


def load_vae(load: Loader, folder: Path) -> LatentSpace:
    """The latent space in ``folder / "vae"``: a `BlockVAE` or an `AutoencoderKL`."""
    if BlockVAE.class_in(folder / "vae") == BlockVAE.__name__:
        return load(BlockVAE, "vae")
    return PublicVAE(load(AutoencoderKL, "vae"))


def load_semantic_encoder(load: Loader, folder: Path) -> SemanticEncoder:
    """The network in ``folder / "semantic"`` where there is one, a DINOv2; else the distilled SqueezeNet."""
    if not (folder / "semantic").exists():
        return SqueezeSemantics(load(DistilledSqueezeNet, "lpips"))
    from transformers import Dinov2Model

    return DinoSemantics(load(Dinov2Model, "semantic"))
