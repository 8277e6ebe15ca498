"""A whole folder through the codec: in processes or on a cluster, resumable, with a table of what came of each file.

``finding`` says which files, ``orders`` what is made of each, ``journal`` what is done already, ``running`` does the
rest, ``cluster`` does it with Ray, ``table`` is the CSV.
"""

from pipeline.batch.orders import Compression, Decompression
from pipeline.batch.running import Batch, Summary, run

__all__ = ["Batch", "Compression", "Decompression", "Summary", "run"]
