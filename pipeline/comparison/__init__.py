"""One picture through every method at the same bytes: the catalogue of methods, and how their pictures differ."""

from pipeline.comparison.catalogue import Made, Method
from pipeline.comparison.subject import CodecSubject, Subject, Watch, Working, finish

__all__ = ["CodecSubject", "Made", "Method", "Subject", "Watch", "Working", "finish"]
