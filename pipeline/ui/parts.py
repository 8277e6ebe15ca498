"""The components of the page by name. Handlers name them: by their parameters, and by the fields of their answers."""

from collections.abc import Callable, Iterable
from inspect import signature
from types import SimpleNamespace
from typing import Any

from gradio.components import Component


class Parts(SimpleNamespace):
    """Components and other parts of the page, each an attribute."""

    def named(self, names: Iterable[str]) -> list[Component]:
        """The components of these names, such as the fields of an answer."""
        return [getattr(self, name) for name in names]

    def wanted(self, handler: Callable[..., Any]) -> list[Component]:
        """The components whose values a handler takes."""
        return self.named(signature(handler).parameters)
