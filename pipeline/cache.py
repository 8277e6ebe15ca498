"""What was made lately, up to a number of bytes; and locks so that it is made once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Value = TypeVar("Value")
_PATIENCE = 0.1
"""Seconds between two checks of who waits."""


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


class KeyLocks:
    """A lock for every key: who asks first makes a thing, who asks meanwhile waits and finds it made."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[threading.Lock, int]] = {}
        """Each with the number of those who hold it or wait for it."""
        self._lock = threading.Lock()

    @contextmanager
    def of(self, key: Hashable, check: Callable[[], None]) -> Iterator[None]:
        """Holds the lock of ``key`` inside this block; ``check`` is called while it is waited for, and what it raises
        ends the waiting."""
        with self._lock:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, users + 1
        try:
            while not lock.acquire(timeout=_PATIENCE):
                check()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._lock:
                _, users = self._locks.pop(key)
                if users > 1:
                    self._locks[key] = lock, users - 1
