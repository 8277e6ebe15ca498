"""The entropy coder: what is written is read back, and nothing else is read as if it had been written."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.autoencoder import Autoencoder
from pipeline.entropy import SYMBOL_MAX, CodingTables, SymbolReader, SymbolWriter
from pipeline.errors import StreamError

Pass = list[tuple[int, int]]
"""Symbols and their table indexes."""


@pytest.fixture(scope="module")
def tables(tiny_autoencoder: Autoencoder) -> CodingTables:
    return tiny_autoencoder.entropy.tables()


def _passes(values: st.SearchStrategy[int]) -> st.SearchStrategy[list[Pass]]:
    return st.lists(st.lists(st.tuples(values, st.integers(0, 63)), max_size=40), max_size=4)


def _columns(coded: Pass) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.tensor(coded, dtype=torch.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _write(tables: CodingTables, passes: list[Pass]) -> bytes:
    writer = SymbolWriter(tables)
    for coded in passes:
        writer.write(*_columns(coded))
    return writer.finish()


def _read(tables: CodingTables, passes: list[Pass], payload: bytes) -> list[torch.Tensor]:
    reader = SymbolReader(tables, payload)
    symbols = [reader.read(_columns(coded)[1]) for coded in passes]
    reader.finish()
    return symbols


@given(passes=_passes(st.integers(-SYMBOL_MAX, SYMBOL_MAX)))
def test_round_trip(tables: CodingTables, passes: list[Pass]) -> None:
    symbols = _read(tables, passes, _write(tables, passes))
    for coded, decoded in zip(passes, symbols, strict=True):
        assert torch.equal(decoded, _columns(coded)[0])


@pytest.mark.parametrize("table", range(64))
def test_every_value_of_every_table(tables: CodingTables, table: int) -> None:
    coded = [(value, table) for value in range(-SYMBOL_MAX, SYMBOL_MAX + 1)]
    assert torch.equal(_read(tables, [coded], _write(tables, [coded]))[0], _columns(coded)[0])


def test_symbols_out_of_range_are_not_written(tables: CodingTables) -> None:
    for value in (SYMBOL_MAX + 1, -SYMBOL_MAX - 1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="symbols"):
            SymbolWriter(tables).write(torch.tensor([value]), torch.tensor([3]))


@settings(max_examples=300)
@given(passes=_passes(st.integers(-30, 30)), payload=st.binary(max_size=60))
def test_a_payload_is_read_only_as_what_would_be_written(
    tables: CodingTables, passes: list[Pass], payload: bytes
) -> None:
    try:
        symbols = _read(tables, passes, payload)
    except StreamError:
        return
    rewritten = [
        list(zip(decoded.tolist(), [index for _, index in coded], strict=True))
        for decoded, coded in zip(symbols, passes, strict=True)
    ]
    assert _write(tables, rewritten) == payload


def test_every_damage_to_a_payload_is_refused(tables: CodingTables) -> None:
    rng = np.random.default_rng(0)
    passes = [list(zip(rng.integers(-9, 9, 50).tolist(), rng.integers(0, 64, 50).tolist(), strict=True))] * 3
    payload = _write(tables, passes)
    foreign = [payload[:length] for length in range(len(payload))]
    foreign += [payload[start:] for start in range(1, len(payload))]
    foreign += [payload + bytes([value]) * count for value in (0, 1, 255) for count in (1, 2, 3, 4, 1000)]
    for bit in range(8 * len(payload)):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << (bit % 8)
        foreign.append(bytes(flipped))
    foreign += [rng.bytes(length) for length in (*range(300), 10**6)]
    for one in foreign:
        with pytest.raises(StreamError):
            _read(tables, passes, one)


def test_a_payload_too_small_for_what_it_should_hold_is_refused_at_once(tables: CodingTables) -> None:
    reader = SymbolReader(tables, b"BITBRUSH")
    with pytest.raises(StreamError):
        reader.read(torch.full((10**6,), 24))
    assert reader._left() > 32


def test_bytes_are_what_the_symbols_are_worth(tables: CodingTables) -> None:
    rng = np.random.default_rng(0)
    indexes = rng.integers(0, 64, 50_000)
    counts = [np.diff(row[:size].astype(float)) for row, size in zip(tables.cdf, tables.size, strict=True)]
    drawn = [rng.choice(len(counts[i]), p=counts[i] / 65536) for i in indexes]
    drawn = [min(value, int(tables.reach[i]) - 1) for value, i in zip(drawn, indexes, strict=True)]
    coded = [(value + int(tables.offset[i]), i) for value, i in zip(drawn, indexes, strict=True)]
    bits = -sum(np.log2(counts[i][value] / 65536) for value, i in zip(drawn, indexes, strict=True))
    assert bits / 8 <= len(_write(tables, [coded])) <= bits / 8 * 1.0005 + 4
