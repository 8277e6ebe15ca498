"""Entropy coding that both codecs share."""

from pipeline.entropy.coder import SYMBOL_MAX, CodingTables, SymbolReader, SymbolWriter

__all__ = ["SYMBOL_MAX", "CodingTables", "SymbolReader", "SymbolWriter"]
