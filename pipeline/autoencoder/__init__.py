"""Stage 1: the MSE autoencoder that sets the bits."""

from pipeline.autoencoder.model import ALIGNMENT, Autoencoder, AutoencoderOutput, Latent
from pipeline.autoencoder.quality_map import QualityMap

__all__ = ["ALIGNMENT", "Autoencoder", "AutoencoderOutput", "Latent", "QualityMap"]
