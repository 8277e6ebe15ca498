"""The two compression systems, side by side."""

from pipeline.systems.base import Loader, Reconstruction, System
from pipeline.systems.hfd import HFDSystem
from pipeline.systems.sprdiff import SPRDiffSystem

__all__ = ["HFDSystem", "Loader", "Reconstruction", "SPRDiffSystem", "System"]
