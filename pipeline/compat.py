"""Works around two libraries, at the moment something imports them; until then this costs nothing.

**torchvision.** A CPU build of torch may meet the torchvision that comes with CUDA builds. Such a torchvision cannot
load its C++ operators, and then ``import torchvision`` fails because its Python side registers fake kernels for two
operators that do not exist. Bitbrush (through compressai and lpips) needs only torchvision's Python parts, so the two
missing schemas are declared and the import is tried again. Where torchvision is healthy nothing happens.

**transformers.** Under ``python -OO`` there are no docstrings, which transformers extends when it is imported, and it
fails; diffusers imports it where it is installed. There its docstrings are left alone.
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


def _ensure_transformers() -> None:
    import transformers

    if sys.flags.optimize == 2:
        import transformers.utils

        transformers.utils.auto_docstring = lambda obj=None, **_: (lambda it: it) if obj is None else obj


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


sys.meta_path.insert(0, _Mending({"torchvision": ensure_torchvision, "transformers": _ensure_transformers}))
