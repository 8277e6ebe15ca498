"""The ultra-low system, below 0.03 bits per pixel: SPRDiff (Wei et al. 2026, arXiv 2606.01608)."""
