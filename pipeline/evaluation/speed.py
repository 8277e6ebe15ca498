"""Speeds as ratios to a yardstick timed in the same run, for machines differ.

The yardstick Y is compressai's mean-scale hyperprior (192, 320) with random weights: compress plus decompress of the
same picture, in fp32.
"""

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from compressai.models import MeanScaleHyperprior
from PIL import Image

from pipeline import images
from pipeline.autoencoder import ALIGNMENT
from pipeline.codec import Codec
from pipeline.settings import DEFAULT_SETTINGS, CodecName, Decoder, DecodeSettings

_QUALITY = 0.4


@dataclass(frozen=True)
class Timing:
    """Median seconds of one operation, and the same in yardsticks."""

    name: str
    seconds: float
    ratio: float
    bar: float | None


def _median_seconds(function: Callable[[], object], repeats: int) -> float:
    function()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _yardstick(image: Image.Image) -> Callable[[], object]:
    torch.manual_seed(0)
    model = MeanScaleHyperprior(192, 320).eval()
    model.update(force=True)
    padded = images.pad(images.to_tensor(image), 64)

    @torch.no_grad()
    def run() -> None:
        packed = model.compress(padded)
        model.decompress(packed["strings"], packed["shape"])

    return run


def time_all(codec: Codec, image: Image.Image, repeats: int = 5) -> list[Timing]:
    """Times ``image`` (768 × 512 by custom) through every part that a user waits for."""
    stream = codec.encode(image, quality=_QUALITY)
    header, _ = codec.read(stream)
    padded = images.pad(images.to_tensor(image), ALIGNMENT)
    quality = torch.full((1, 1, 1, 1), _QUALITY)
    decoder = codec.standard.diffusion
    grain = torch.full((1,), header.grain)
    _, condition = decoder.condition(padded, quality, grain)
    residual = torch.randn(padded.shape)

    def encode_and_reconstruct() -> None:
        coded = codec.encode(image, quality=_QUALITY)
        codec.standard.autoencoder.reconstruct(codec.decode_latent(coded))

    def first_preview() -> None:
        coded = codec.encode(image, quality=_QUALITY)
        records = codec.decode(coded, DecodeSettings(Decoder.DIFFUSION, 25, 0.5))
        next(records), next(records)

    def paint(settings: DecodeSettings) -> Callable[[], object]:
        return lambda: deque(codec.decode(stream, settings), maxlen=0)

    ultralow_stream = codec.encode(image, quality=_QUALITY, codec=CodecName.ULTRALOW)

    def decode_ultralow() -> None:
        codec.ultralow.reconstruct(codec.decode_latent(ultralow_stream))
        deque(codec.decode(ultralow_stream, DEFAULT_SETTINGS[CodecName.ULTRALOW]), maxlen=0)

    @torch.no_grad()
    def evaluation() -> None:
        decoder.predict(residual, condition, quality.flatten(), quality)

    yardstick = _median_seconds(_yardstick(image), repeats)
    found = [Timing("yardstick Y", yardstick, 1.0, None)]
    for name, function, bar in (
        ("one U-Net evaluation", evaluation, 0.25),
        ("encode + decode to the autoencoder's picture", encode_and_reconstruct, 0.5),
        ("encode + first painted preview", first_preview, 1.0 + 0.5 / yardstick),
        ("diffusion, 25 steps", paint(DecodeSettings(Decoder.DIFFUSION, 25, 0.5)), None),
        ("flow, 4 steps", paint(DecodeSettings(Decoder.FLOW, 4, 0.5)), None),
        ("ultra-low: encode", lambda: codec.encode(image, quality=_QUALITY, codec=CodecName.ULTRALOW), None),
        ("ultra-low: decode with default settings", decode_ultralow, 1.5),
    ):
        seconds = _median_seconds(function, repeats)
        found.append(Timing(name, seconds, seconds / yardstick, bar))
    return found
