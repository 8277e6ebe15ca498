"""Guards without training: deviations of gradient similarity, which a texture in the wrong place raises."""

import piq
import torch

from pipeline.arrays import UInt8


def gmsd(original: UInt8, picture: UInt8) -> float:
    """Xue et al. 2014, arXiv 1308.3052, of two ``(H, W, 3)`` uint8 pictures; 0 for the same picture."""
    return float(piq.gmsd(*_pair(original, picture)))


def mdsi(original: UInt8, picture: UInt8) -> float:
    """Nafchi et al. 2016, arXiv 1608.07433, of two ``(H, W, 3)`` uint8 pictures: gradients and chroma; 0 for the same
    picture."""
    return float(piq.mdsi(*_pair(original, picture)))


def _pair(*pictures: UInt8) -> list[torch.Tensor]:
    return [torch.tensor(picture).permute(2, 0, 1)[None].float() / 255 for picture in pictures]
