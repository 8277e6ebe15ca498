"""Works around two libraries, at the moment something imports them; until then this costs nothing.

**torchvision.** A CPU build of torch may meet the torchvision that comes with CUDA builds. Such a torchvision cannot
load its C++ operators, and then ``import torchvision`` fails because its Python side registers fake kernels for two
operators that do not exist. Bitbrush (through compressai and lpips) needs only torchvision's Python parts, so the two
missing schemas are declared and the import is tried again. Where torchvision is healthy nothing happens.

**transformers.** ``python -OO`` drops the docstrings that transformers reads while it is imported, and diffusers
imports it wherever it is installed, though nothing here needs that: there diffusers is told that it is missing.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[object] = []
"""What must live as long as the process: schemas are gone with the library that declared them."""


def ensure_torchvision() -> None:
    """Imports torchvision, declaring the operator schemas that a build without C++ operators lacks."""
    try:
        import torchvision
    except RuntimeError:
        import torch

        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _kept.append(library)
        import torchvision  # noqa: F401


def _import_diffusers() -> None:
    from diffusers.utils import import_utils

    if sys.flags.optimize > 1:
        import_utils._transformers_available = False


class _Imported(Loader):
    """Hands over a module that has been imported already."""

    def __init__(self, module: ModuleType):
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Mending(MetaPathFinder):
    """Imports a library in its mended way when anything first asks for it."""

    def __init__(self, mends: dict[str, Callable[[], None]]):
        self._mends = mends

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        mend = self._mends.pop(fullname, None)
        if mend is None:
            return None
        mend()
        return ModuleSpec(fullname, _Imported(sys.modules[fullname]), is_package=True)


sys.meta_path.insert(0, _Mending({"torchvision": ensure_torchvision, "diffusers": _import_diffusers}))
