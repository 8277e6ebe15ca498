"""LPIPS (Zhang et al. 2018, arXiv 1801.03924): its backbones, a distilled one of ours, the distance, and the loss.

``backbones`` are the official files, ``networks`` chooses one, ``distance`` measures pictures, ``teacher`` is a loss;
``distilled`` is the network of ours, which ``training`` teaches what the official SqueezeNet sees.
"""

from pipeline.metrics.perceptual.distance import distance_by, lpips_distance
from pipeline.metrics.perceptual.networks import DISTILLED, lpips_name

__all__ = ["DISTILLED", "distance_by", "lpips_distance", "lpips_name"]
