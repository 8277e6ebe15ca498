"""Bitbrush: a few bits sketch the picture, diffusion paints the detail back."""

from pipeline import compat, memory  # noqa: F401  (before anything imports torchvision or diffusers, or makes a tensor)
