"""Which floating-point format the networks run in, by what the hardware multiplies fast."""

import torch


def fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware, by AMX or AVX512-BF16; elsewhere float32 is faster."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
