"""Stage 1: the MSE autoencoder that sets the bits."""

from pipeline.autoencoder.entropy import QUALITY_STEPS
from pipeline.autoencoder.model import ALIGNMENT, Autoencoder, AutoencoderOutput, Latent
from pipeline.autoencoder.quality_map import QualityMap
from pipeline.autoencoder.transforms import uniform_map

__all__ = ["ALIGNMENT", "QUALITY_STEPS", "Autoencoder", "AutoencoderOutput", "Latent", "QualityMap", "uniform_map"]
