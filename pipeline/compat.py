"""Works around two libraries.

Lets a CPU build of torch import the torchvision that comes with it on registries without a CPU torchvision.

Such a torchvision cannot load its C++ operators, and then ``import torchvision`` fails because the Python side
registers fake kernels for two operators that do not exist. Bitbrush (through compressai and lpips) needs only
torchvision's Python parts, so the two missing schemas are declared and the import is tried again. Where torchvision
is healthy nothing happens.

Under ``python -OO`` there are no docstrings, which transformers extends when it is imported, and it fails; diffusers
imports it where it is installed. There its docstrings are left alone.
"""

import sys
from importlib.util import find_spec

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


def ensure_transformers() -> None:
    """Keep transformers from extending docstrings where there are none."""
    if sys.flags.optimize == 2 and find_spec("transformers"):
        import transformers.utils

        transformers.utils.auto_docstring = lambda obj=None, **_: (lambda it: it) if obj is None else obj


ensure_torchvision()
ensure_transformers()
