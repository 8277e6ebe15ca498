"""Symbols to bytes and back, by the ANS coder of ``constriction``.

It knows the end of its payload and cannot read past it; compressai's rANS, used before, does neither and hides its
state, so that only coding everything again would tell a false payload. It takes arrays instead of lists: the 190,000
symbols of 768 x 512 pixels at 0.25 bpp decode in 6 to 14 ms where rANS took 60 ms, and coding them again 40 ms more.
Its probabilities have 24 bits and its last word can be cut short, so that payloads are a few bytes smaller.

A payload is the coder's state as little-endian 32-bit words without the zero bytes at the end. ANS is a stack: the
writer keeps everything and codes it backwards onto a seal, a checksum of the symbols, and a reader that has read
everything must find just that. A payload that is false in any way, or is decoded differently, leaves something else,
but for one in 8 million. Each call of `write` codes its symbols table by table, and then those beyond their tables.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from constriction import stream
from torch import Tensor

from pipeline.arrays import Array, Float64, Indexes, Int32, UInt8
from pipeline.errors import StreamError

SYMBOL_MAX = 2047
"""Symbols lie in -SYMBOL_MAX ... SYMBOL_MAX."""
_CDF_ONE = 65536
_SEAL_BITS = 23
"""Of the checksum; a one before them keeps what is coded onto the seal from going below it."""
_CLASSES = stream.model.Uniform(12)
"""Bit lengths of the order numbers 1 ... 2**12 - 1 of symbols beyond their table, less one."""
_BOUND_SHARE = 0.99
"""ANS spends at least this share of a symbol's information: rounding a state of 2**32 or more saves 0.4 % at most."""
_BOUND_SLACK = 64
"""Bits by which a state may hold more than what was coded onto it."""
FOREIGN = "The stream's content was not made by Bitbrush's encoder; get the file again from where it was made."


@dataclass(frozen=True)
class CodingTables:
    """The distributions that symbols are coded with; a symbol's index names one.

    Row ``i`` of ``cdf`` holds ``size[i]`` cumulative counts from 0 to 65536 of the values ``offset[i]``,
    ``offset[i] + 1``, ...; the last count is that of all values beyond.
    """

    cdf: Int32
    """``(tables, width)`` int32."""
    size: Int32
    """``(tables,)`` int32."""
    offset: Int32
    """``(tables,)`` int32."""
    _models: dict[int, stream.model.Categorical] = field(default_factory=dict, repr=False)

    @cached_property
    def reach(self) -> Int32:
        """``(tables,)``: how many values a table holds one by one; also the code of a value beyond."""
        return self.size - 2

    @cached_property
    def least_bits(self) -> Float64:
        """``(tables,)``: what the likeliest symbol of each table costs."""
        return np.array([-np.log2(self._counts(table).max() / _CDF_ONE) for table in range(len(self.size))])

    def model(self, table: int) -> stream.model.Categorical:
        """What the coder takes; made on first use."""
        if table not in self._models:
            # Counts over a power of two are exact in float64: the coder's own tables are the same on every machine.
            self._models[table] = stream.model.Categorical(self._counts(table) / _CDF_ONE, perfect=False)
        return self._models[table]

    def _counts(self, table: int) -> Float64:
        return np.diff(self.cdf[table, : self.size[table]].astype(np.float64))


@dataclass(frozen=True)
class _Grouping:
    """Symbols in the order in which they are coded: table by table."""

    order: Indexes
    """Where each of them stands among the symbols as given."""
    tables: UInt8
    """The table of each, ascending."""
    counts: Indexes
    """``(tables,)``"""

    @classmethod
    def of(cls, indexes: Tensor, tables: CodingTables) -> "_Grouping":
        given = indexes.numpy().astype(np.uint8)
        order = np.argsort(given, kind="stable")
        return cls(order, given[order], np.bincount(given, minlength=len(tables.size)))

    def runs(self) -> Iterator[tuple[int, slice]]:
        """Each table that is used, and its part of the symbols."""
        ends = np.cumsum(self.counts)
        for table in np.flatnonzero(self.counts):
            yield int(table), slice(int(ends[table] - self.counts[table]), int(ends[table]))


@dataclass(frozen=True)
class _Beyond:
    """Values beyond a table, ordered by distance: the order numbers from 1 are coded as ``2**size + rest``."""

    size: Int32
    rest: Int32

    @classmethod
    def of(cls, values: Int32, reach: Int32) -> "_Beyond":
        """``values`` count from the table's first: below 0 or at least ``reach``."""
        number = np.where(values < 0, -2 * values - 1, 2 * (values - reach)) + 1
        size = np.frexp(number.astype(np.float64))[1] - 1
        return cls(size.astype(np.int32), (number - (1 << size)).astype(np.int32))

    def values(self, reach: Int32) -> Int32:
        number = (1 << self.size) + self.rest - 1
        return np.where(number % 2 == 1, -(number + 1) // 2, number // 2 + reach)


def _sealed(checksum: int) -> npt.NDArray[np.uint32]:
    """What a coder holds before the first symbol, as its words ``(1,)``."""
    return np.array([1 << _SEAL_BITS | checksum % (1 << _SEAL_BITS)], dtype=np.uint32)


def _extended(checksum: int, symbols: Array) -> int:
    return zlib.crc32(symbols.astype("<i2").tobytes(), checksum)


class SymbolWriter:
    """Collects symbols, then codes them all."""

    def __init__(self, tables: CodingTables):
        self._tables = tables
        self._checksum = 0
        self._written: list[tuple[_Grouping, Int32, _Beyond]] = []

    def write(self, symbols: Tensor, indexes: Tensor) -> None:
        """``symbols``: integers of any dtype ``(count,)``; ``indexes`` ``(count,)``: the table of each.

        Raises:
            ValueError: a symbol beyond `SYMBOL_MAX`.
        """
        given = symbols.numpy()
        if not (np.abs(given) <= SYMBOL_MAX).all():
            raise ValueError(f"symbols must lie between -{SYMBOL_MAX} and {SYMBOL_MAX}")
        self._checksum = _extended(self._checksum, given)
        grouping = _Grouping.of(indexes, self._tables)
        reach = self._tables.reach[grouping.tables]
        values = given.astype(np.int32)[grouping.order] - self._tables.offset[grouping.tables]
        beyond = (values < 0) | (values >= reach)
        coded = np.where(beyond, reach, values).astype(np.int32)
        self._written.append((grouping, coded, _Beyond.of(values[beyond], reach[beyond])))

    def finish(self) -> bytes:
        """The payload; never empty."""
        coder = stream.stack.AnsCoder(_sealed(self._checksum))
        for grouping, coded, beyond in reversed(self._written):
            if len(beyond.size):
                split = beyond.size > 0
                if split.any():
                    coder.encode_reverse(beyond.rest[split], stream.model.Uniform(), 1 << beyond.size[split])
                coder.encode_reverse(beyond.size, _CLASSES)
            for table, part in reversed(list(grouping.runs())):
                coder.encode_reverse(coded[part], self._tables.model(table))
        words: npt.NDArray[np.uint32] = coder.get_compressed()
        return words.astype("<u4").tobytes().rstrip(b"\0")


class SymbolReader:
    """Decodes what `SymbolWriter` wrote, in the same order and with the same indexes.

    Any method raises `StreamError` for what a `SymbolWriter` has not made with these tables; `finish` at the latest.
    """

    def __init__(self, tables: CodingTables, payload: bytes):
        if not payload or payload[-1] == 0:
            raise StreamError(FOREIGN)
        words = np.frombuffer(payload + bytes(-len(payload) % 4), dtype="<u4")
        self._tables = tables
        self._checksum = 0
        self._coder = stream.stack.AnsCoder(words.astype(np.uint32))

    def read(self, indexes: Tensor) -> Tensor:
        """The symbols ``(count,)`` float64 of the tables ``indexes`` ``(count,)``."""
        grouping = _Grouping.of(indexes, self._tables)
        # Before any work: what is left cannot be less than the likeliest symbols take.
        if self._left() < _BOUND_SHARE * (grouping.counts @ self._tables.least_bits) - _BOUND_SLACK:
            raise StreamError(FOREIGN)
        values = np.empty(len(grouping.order), np.int32)
        for table, part in grouping.runs():
            values[part] = self._coder.decode(self._tables.model(table), part.stop - part.start)
        reach = self._tables.reach[grouping.tables]
        beyond = values == reach
        if beyond.any():
            values[beyond] = self._read_beyond(reach[beyond])
        values += self._tables.offset[grouping.tables]
        if self._left() < 0 or (np.abs(values[beyond]) > SYMBOL_MAX).any():
            raise StreamError(FOREIGN)
        symbols = np.empty(len(values))
        symbols[grouping.order] = values
        self._checksum = _extended(self._checksum, symbols)
        return torch.from_numpy(symbols)

    def finish(self) -> None:
        """Checks that everything has been read, and read as it was written."""
        if not np.array_equal(self._coder.get_compressed(), _sealed(self._checksum)):
            raise StreamError(FOREIGN)

    def _left(self) -> int:
        """Bits above the seal; below 0 in a payload that has run out."""
        return int(self._coder.num_valid_bits()) - _SEAL_BITS

    def _read_beyond(self, reach: Int32) -> Int32:
        size = self._coder.decode(_CLASSES, len(reach))
        rest = np.zeros_like(size)
        split = size > 0
        if split.any():
            rest[split] = self._coder.decode(stream.model.Uniform(), 1 << size[split])
        return _Beyond(size, rest).values(reach)
