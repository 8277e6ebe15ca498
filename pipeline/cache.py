"""What was made lately, up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """The values used last, of at most ``limit`` bytes together; a larger one is not kept at all. Shared by threads."""

    def __init__(self, limit: int, size: Callable[[Value], int]):
        """``size`` is a value's number of bytes, and never changes."""
        self._limit, self._size = limit, size
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes held."""
        return self._total

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Hashable, value: Value) -> None:
        size = self._size(value)
        with self._lock:
            _, replaced = self._entries.pop(key, (None, 0))
            self._total -= replaced
            if size > self._limit:
                return
            self._entries[key] = value, size
            self._total += size
            while self._total > self._limit:
                _, (_, oldest) = self._entries.popitem(last=False)
                self._total -= oldest
