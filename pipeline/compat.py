"""Quirks of libraries at their import.

Lets a CPU build of torch import the torchvision that comes with it on registries without a CPU torchvision.

Such a torchvision cannot load its C++ operators, and then ``import torchvision`` fails because the Python side
registers fake kernels for two operators that do not exist. Bitbrush (through compressai and lpips) needs only
torchvision's Python parts, so the two missing schemas are declared and the import is tried again. Where torchvision
is healthy nothing happens.

``python -OO`` drops the docstrings that transformers reads while it is imported, and diffusers imports it wherever it
is installed, though nothing here needs that: there diffusers is told that it is missing.
"""

import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None


def ensure_torchvision() -> None:
    """Import torchvision, declaring the operator schemas a build without C++ operators lacks."""
    global _library
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            _library.define(schema)
        import torchvision  # noqa: F401


def hide_transformers() -> None:
    """Where there are no docstrings."""
    if sys.flags.optimize > 1:
        from diffusers.utils import import_utils

        import_utils._transformers_available = False


ensure_torchvision()
hide_transformers()
