"""Exactness of the latents under every setting of this machine, and what damaged streams do."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from pipeline.codec import Codec
from pipeline.errors import StreamError
from pipeline.images import load_image
from pipeline.settings import Decoder, DecodeSettings, SystemName

_SETTINGS = [(threads, bf16, onednn) for threads in (1, 2) for bf16 in (False, True) for onednn in (True, False)]


def latent_hash(codec: Codec, stream: bytes) -> str:
    """SHA-256 of the exact latent of a stream: int32, little-endian, ``(channels, height, width)``."""
    return hashlib.sha256(codec.decode_latent(stream).values.numpy().astype("<i4").tobytes()).hexdigest()


@contextmanager
def computing(threads: int, bf16: bool, onednn: bool) -> Iterator[None]:
    """Runs a block with this many threads, with or without bf16 autocast, with or without oneDNN."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with (
            torch.autocast("cpu", torch.bfloat16, enabled=bf16),
            torch.backends.mkldnn.flags(enabled=onednn),
        ):
            yield
    finally:
        torch.set_num_threads(before)


def exact_pictures(codec: Codec, pictures: list[Path], system: SystemName, quality: float = 0.4) -> tuple[int, int]:
    """How many pictures' streams decode to one and the same latent under all settings, of how many."""
    identical = 0
    for path in tqdm(pictures, desc="exactness", leave=False):
        stream = codec.encode(load_image(path), quality=quality, codec=system)
        hashes = set()
        for setting in _SETTINGS:
            with computing(*setting):
                hashes.add(latent_hash(codec, stream))
        identical += len(hashes) == 1
    return identical, len(pictures)


def _is_refused(codec: Codec, stream: bytes) -> bool:
    """Whether decoding raises `StreamError` before any picture; other exceptions pass through."""
    try:
        next(codec.decode(stream, DecodeSettings(Decoder.AUTOENCODER)))
    except StreamError:
        return True
    return False


def refused_damage(codec: Codec, stream: bytes, flips: int = 1000, cuts: int = 200) -> dict[str, int]:
    """How many streams with one flipped bit, and how many truncated ones, were refused with a typed error."""
    rng = np.random.default_rng(0)
    flipped = 0
    for bit in rng.choice(8 * len(stream), flips, replace=8 * len(stream) < flips):
        damaged = bytearray(stream)
        damaged[bit // 8] ^= 1 << (bit % 8)
        flipped += _is_refused(codec, bytes(damaged))
    truncated = sum(_is_refused(codec, stream[:length]) for length in rng.integers(0, len(stream), cuts))
    return {"flips": flips, "flips refused": flipped, "truncations": cuts, "truncations refused": truncated}
