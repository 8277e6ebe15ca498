"""Which floating-point format the painters and stage 1 run in: what the hardware multiplies fast.

Latents are exact whatever the format: what decodes them is computed in fixed point. Where the format is bfloat16, the
learned paths of stage 1's transforms run in it beside a linear path in float32: the reconstruction is within 67 dB of
float32's on photographs, 61 dB on stripes and noise, and streams cost the same for what they show. The noise, the
sampler and the sums of the residual form are float32.
"""

import os
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from pipeline.errors import SettingsError
from pipeline.settings import Precision

VARIABLE = "BITBRUSH_PRECISION"
"""The environment variable that takes the place of ``auto``."""
DTYPES = {Precision.FP32: torch.float32, Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}


def fastest(device: torch.device) -> Precision:
    """What a device multiplies fastest.

    Processors multiply bfloat16 in hardware by AMX or AVX512-BF16; without, float32 is faster. GPUs without bfloat16
    have float16, whose range is small.
    """
    if device.type == "cuda":
        return Precision.BF16 if torch.cuda.is_bf16_supported(including_emulation=False) else Precision.FP16
    in_hardware = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return Precision.BF16 if device.type == "cpu" and in_hardware else Precision.FP32


def chosen(wanted: Precision, device: torch.device) -> Precision:
    """The format to compute in, never ``auto``: what is ``wanted``, else what the environment says, else the fastest.

    Raises:
        SettingsError: the environment names no format, or the device cannot compute in it.
    """
    if wanted == Precision.AUTO:
        name = os.environ.get(VARIABLE) or Precision.AUTO
        if name not in list(Precision):
            raise SettingsError(f"{VARIABLE} must be one of {', '.join(Precision)}, not “{name}”.")
        wanted = Precision(name)
    if wanted not in list(Precision):
        raise SettingsError(f"The precision must be one of {', '.join(Precision)}, not “{wanted}”.")
    wanted = Precision(wanted)
    if wanted is Precision.FP16 and device.type == "cpu":
        raise SettingsError("fp16 is for GPUs; choose bf16 or fp32 on a processor.")
    return fastest(device) if wanted is Precision.AUTO else wanted


def lower(network: nn.Module, precision: Precision) -> None:
    """Keeps the weights of convolutions and linear layers in ``precision``; `native` then runs them in it."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(DTYPES[precision])


def native(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Where a network whose weights are of ``dtype`` is evaluated: under autocast, but for float32."""
    return nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)
