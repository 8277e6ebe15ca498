"""The two compression systems, side by side."""

from pipeline.systems.base import Reconstruction, System
from pipeline.systems.hfd import HFDSystem
from pipeline.systems.sprdiff import SPRDiffSystem

__all__ = ["HFDSystem", "Reconstruction", "SPRDiffSystem", "System"]
