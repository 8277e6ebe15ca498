"""Whether this machine decodes as intended: the streams in ``conformance/`` against what is recorded of them.

``manifest.json`` holds, of each stream, the SHA-256 of its latent, to be met exactly, and of the decoded picture the
means over a grid of cells and the mean difference between neighbouring pixels, to be met within a tolerance: the
picture is computed in floating point.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrays import UInt8
from pipeline.codec import Codec
from pipeline.errors import BitbrushError, StreamError

FOLDER = Path(__file__).resolve().parent.parent / "conformance"
_MANIFEST = "manifest.json"
_CELLS = 8
"""A side of the grid; fewer where the picture has fewer pixels."""
_TOLERANCE = 0.25
"""Grey levels: the largest difference of a cell's mean, and of the detail."""


@dataclass(frozen=True)
class Expectation:
    """What is recorded of a stream."""

    size: tuple[int, int]
    """Width and height."""
    latent: str
    """SHA-256 of the exact latent: int32, little-endian, ``(channels, height, width)``."""
    cells: list[list[list[float]]]
    """Mean grey levels ``(rows, columns, 3)`` of the decoded picture."""
    detail: list[float]
    """``(3,)``: mean difference between horizontal neighbours in grey levels."""

    @classmethod
    def of(cls, codec: Codec, stream: bytes) -> "Expectation":
        picture = codec.reconstruct(stream)
        latent = codec.decode_latent(stream).values.numpy().astype("<i4").tobytes()
        detail = np.abs(np.diff(picture.astype(np.float64), axis=1)).sum((0, 1)) / picture[..., 0].size
        cells = [[cell.mean((0, 1)).round(2).tolist() for cell in _split(row, 1)] for row in _split(picture, 0)]
        size = (picture.shape[1], picture.shape[0])
        return cls(size, hashlib.sha256(latent).hexdigest(), cells, detail.round(2).tolist())

    def differences(self, found: "Expectation") -> list[str]:
        """What ``found`` does not meet, in words."""
        if tuple(self.size) != found.size:
            return [f"the size is {found.size}, not {tuple(self.size)}"]
        differences = [] if self.latent == found.latent else ["the latent differs"]
        for name in ("cells", "detail"):
            worst = float(np.abs(np.subtract(getattr(self, name), getattr(found, name))).max())
            if worst > _TOLERANCE:
                differences.append(f"the picture's {name} differ by {worst:.2f} grey levels")
        return differences


@dataclass(frozen=True)
class Verdict:
    """What came of one stream."""

    name: str
    differences: list[str]
    """Empty where it decodes as recorded."""


def verify(codec: Codec, folder: Path = FOLDER) -> Iterator[Verdict]:
    """Decodes every stream of ``folder``.

    Raises:
        StreamError: the streams belong to other weights than ``codec`` has.
        BitbrushError: the folder is not complete.
    """
    manifest = json.loads(_content(folder / _MANIFEST))
    for model, recorded in manifest["weights"].items():
        if recorded != codec.weights_hash(model):
            raise StreamError(
                f"The conformance streams belong to other weights ({model} {recorded}, here "
                f"{codec.weights_hash(model)}); verify with the checkpoints of the same release."
            )
    for name, recorded in manifest["streams"].items():
        stream = _content(folder / name)
        try:
            yield Verdict(name, Expectation(**recorded).differences(Expectation.of(codec, stream)))
        except StreamError as error:
            yield Verdict(name, [str(error)])


def write(codec: Codec, streams: dict[str, bytes], folder: Path = FOLDER) -> None:
    """Records what ``codec`` makes of ``streams``."""
    weights = {system.model_name: codec.weights_hash(system.model_name) for system in codec.systems}
    recorded: dict[str, Any] = {name: asdict(Expectation.of(codec, stream)) for name, stream in streams.items()}
    for name, stream in streams.items():
        (folder / name).write_bytes(stream)
    (folder / _MANIFEST).write_text(json.dumps({"weights": weights, "streams": recorded}) + "\n", encoding="utf-8")


def _split(picture: UInt8, axis: int) -> list[UInt8]:
    return np.array_split(picture, min(_CELLS, picture.shape[axis]), axis)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BitbrushError(f"{path} cannot be read ({error.strerror}); get the whole folder again.") from None
