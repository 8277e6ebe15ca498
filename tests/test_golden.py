"""Golden streams: committed once, decoded to the same latents by every machine that runs the tests."""

import json
from pathlib import Path

import pytest

from pipeline.codec import Codec
from pipeline.evaluation.robustness import computing, latent_hash

GOLDEN = Path(__file__).parent / "golden"
HASHES = json.loads((GOLDEN / "latents.json").read_text())


@pytest.mark.parametrize("name", sorted(HASHES))
@pytest.mark.parametrize("setting", [(1, False, True), (2, True, False)], ids=["one thread", "two threads, bf16"])
def test_latents_are_the_committed_ones(codec: Codec, name: str, setting: tuple[int, bool, bool]) -> None:
    with computing(*setting):
        assert latent_hash(codec, (GOLDEN / name).read_bytes()) == HASHES[name]
