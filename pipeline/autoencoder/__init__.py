"""Stage 1: the MSE autoencoder that sets the bits."""

from pipeline.autoencoder.entropy import QUALITY_STEPS
from pipeline.autoencoder.model import ALIGNMENT, Autoencoder, AutoencoderOutput

__all__ = ["ALIGNMENT", "QUALITY_STEPS", "Autoencoder", "AutoencoderOutput"]
