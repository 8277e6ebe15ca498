"""How far a picture is from its original: PSNR, MS-SSIM, LPIPS, and patch distances over a set of pictures."""

from pipeline.metrics.patches import frechet_distance, kernel_distance, patch_features
from pipeline.metrics.perceptual import lpips_name
from pipeline.metrics.scores import Scores, measure, psnr
from pipeline.metrics.streaks import streak_share

__all__ = [
    "Scores",
    "frechet_distance",
    "kernel_distance",
    "lpips_name",
    "measure",
    "patch_features",
    "psnr",
    "streak_share",
]
