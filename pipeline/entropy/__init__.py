"""Entropy coding that both codecs share."""

from pipeline.entropy.coder import FOREIGN, SYMBOL_MAX, CodingTables, SymbolReader, SymbolWriter

__all__ = ["FOREIGN", "SYMBOL_MAX", "CodingTables", "SymbolReader", "SymbolWriter"]
