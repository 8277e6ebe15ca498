"""Speeds as ratios to a yardstick timed beside each of them, for machines differ, and differ from minute to minute.

The yardstick Y is compressai's mean-scale hyperprior (192, 320) with random weights: compress plus decompress of the
same picture, in fp32.
"""

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from PIL import Image

from pipeline.codec import Codec
from pipeline.evaluation import peers
from pipeline.precision import fastest
from pipeline.settings import DEFAULT_SETTINGS, Decoder, DecodeSettings, Precision, SystemName

BPP = 0.25
_QUALITY = 0.4
_ULTRALOW_BPP = 0.02


@dataclass(frozen=True)
class Timing:
    """Median seconds of one operation, and the median of its ratios to the yardsticks timed next to it."""

    name: str
    precision: Precision | None
    """What the networks compute in; None where there is no choice."""
    seconds: float
    ratio: float
    megapixels_per_second: float
    bar: float | None
    """What the ratio is to stay below."""

    def __str__(self) -> str:
        precision = "" if self.precision is None else f", {self.precision}"
        bar = "" if self.bar is None else f"  (at most {self.bar:.2f})"
        speed = f"{self.seconds:.3f} s, {self.megapixels_per_second:.3g} megapixels/s"
        return f"{self.name}{precision}: {self.ratio:.3f} Y = {speed}{bar}"


@dataclass(frozen=True)
class _Operation:
    name: str
    run: Callable[[], object]
    bar: float | None = None
    precision: Precision | None = None


def seconds_of(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def beside(function: Callable[[], object], yardstick: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of ``function``, and the median of its ratios to runs of ``yardstick`` just before it."""
    function()
    pairs = [(seconds_of(yardstick), seconds_of(function)) for _ in range(repeats)]
    return statistics.median(own for _, own in pairs), statistics.median(own / unit for unit, own in pairs)


def fast_precisions(device: torch.device) -> list[Precision]:
    """float32, and what the device multiplies faster."""
    return list(dict.fromkeys([Precision.FP32, fastest(device)]))


def time_all(image: Image.Image, repeats: int = 5, others: bool = True) -> Iterator[Timing]:
    """Times ``image`` (768 × 512 by custom) through every part that a user waits for, on the CPU, in each precision
    that it computes fast; ``others``: and other people's networks."""
    megapixels = image.width * image.height / 1e6
    torch.manual_seed(0)
    yardstick = peers.mbt2018_mean(image)
    seconds, ratio = beside(yardstick, yardstick, repeats)
    yield Timing("yardstick Y: compressai mbt2018-mean", None, seconds, ratio, megapixels / seconds, None)
    precisions = fast_precisions(torch.device("cpu"))
    codecs = [Codec.from_pretrained(device="cpu", precision=each) for each in precisions]
    operations = [_coding(codec, image) for codec in codecs]
    operations.append(_ultralow_coding(codecs[0], image))
    operations += [_painting(codec, image) for codec in codecs]
    if others:
        operations.append(_others(image, precisions))
    for group in operations:
        for operation in group:
            seconds, ratio = beside(operation.run, yardstick, repeats)
            speed = megapixels / seconds
            yield Timing(operation.name, operation.precision, seconds, ratio, speed, operation.bar)


def _coding(codec: Codec, image: Image.Image) -> Iterator[_Operation]:
    """Encoding, and decoding what the stream alone says."""
    stream = codec.encode(image, quality=_QUALITY)

    def reconstruct(coded: bytes) -> None:
        codec.standard.reconstruct(codec.decode_latent(coded))

    precision = codec.precision
    yield _Operation("encode at a quality", lambda: codec.encode(image, quality=_QUALITY), None, precision)
    yield _Operation(f"encode to {BPP} bpp", lambda: codec.encode(image, bpp=BPP), None, precision)
    yield _Operation("decode to the autoencoder's picture", lambda: reconstruct(stream), None, precision)
    yield _Operation(
        f"encode to {BPP} bpp + decode to the autoencoder's picture",
        lambda: reconstruct(codec.encode(image, bpp=BPP)),
        0.25,
        precision,
    )


def _ultralow_coding(codec: Codec, image: Image.Image) -> Iterator[_Operation]:
    """In float32 whatever the precision."""
    ultralow = SystemName.ULTRALOW
    yield _Operation("ultra-low: encode", lambda: codec.encode(image, bpp=_ULTRALOW_BPP, codec=ultralow))


def _painting(codec: Codec, image: Image.Image) -> Iterator[_Operation]:
    """What the painters take part in."""
    precision = codec.precision
    stream = codec.encode(image, quality=_QUALITY)
    ultralow_stream = codec.encode(image, bpp=_ULTRALOW_BPP, codec=SystemName.ULTRALOW)
    header, _ = codec.read(stream)
    said = codec.standard.reconstruct(codec.decode_latent(stream))
    decoder = codec.standard.diffusion
    _, condition = decoder.condition(said.picture, said.quality, said.unsent, torch.full((1,), header.grain))
    residual, time = torch.randn(said.picture.shape), torch.full((1,), 0.5)

    @torch.no_grad()
    def evaluation() -> None:
        decoder.predict(residual, condition, time, said.quality)

    def first_preview() -> None:
        coded = codec.encode(image, quality=_QUALITY)
        codec.standard.reconstruct(codec.decode_latent(coded))  # the codec kept its own of the same stream
        records = codec.decode(coded, DecodeSettings(Decoder.DIFFUSION, 25, 0.5))
        next(records), next(records)

    def paint(settings: DecodeSettings) -> Callable[[], object]:
        return lambda: deque(codec.decode(stream, settings), maxlen=0)

    def decode_ultralow() -> None:
        codec.ultralow.reconstruct(codec.decode_latent(ultralow_stream))
        deque(codec.decode(ultralow_stream, DEFAULT_SETTINGS[SystemName.ULTRALOW]), maxlen=0)

    yield _Operation("one U-Net evaluation", evaluation, 0.28 if precision is Precision.FP32 else 0.08, precision)
    yield _Operation("encode + decode + first painted preview", first_preview, 1.0, precision)
    yield _Operation("painting alone: flow, 4 steps", paint(DecodeSettings(Decoder.FLOW, 4, 0.5)), None, precision)
    yield _Operation(
        "painting alone: diffusion, 25 steps", paint(DecodeSettings(Decoder.DIFFUSION, 25, 0.5)), None, precision
    )
    yield _Operation("ultra-low: decode with default settings", decode_ultralow, 1.5, precision)


def _others(image: Image.Image, precisions: list[Precision]) -> Iterator[_Operation]:
    yield _Operation("compressai cheng2020-anchor, random weights", peers.cheng2020_anchor(image))
    for precision in precisions:
        evaluation = peers.sd_turbo_unet(image, precision)
        if evaluation is not None:
            name = "one evaluation of a U-Net of sd-turbo's size, random weights"
            yield _Operation(name, evaluation, None, precision)
