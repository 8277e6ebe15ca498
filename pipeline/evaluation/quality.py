"""Rate, distortion and realism of every method over a folder of pictures, on real streams."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from pipeline.baselines import PLAIN_CODECS, add_grain, encode_plain, matched_grain_sigma
from pipeline.codec import Codec
from pipeline.images import load_image
from pipeline.metrics import frechet_distance, kernel_distance, lpips_name, measure, patch_features, psnr
from pipeline.settings import Decoder, DecodeSettings

GRAIN_SIGMAS = (1, 2, 3, 4, 6)
MANY_STEPS = 25


@dataclass(frozen=True)
class Sketch:
    """One picture at one rate: its original, its stream, the autoencoder's picture, and what was painted on it."""

    image: Image.Image
    original: np.ndarray
    original_features: Tensor
    stream: bytes
    x_hat: np.ndarray
    repaints: dict[DecodeSettings, np.ndarray] = field(default_factory=dict)

    def repaint(self, codec: Codec, settings: DecodeSettings) -> np.ndarray:
        """The decoder's picture; sampled once."""
        if settings not in self.repaints:
            *_, last = codec.decode(self.stream, settings)
            self.repaints[settings] = last.image
        return self.repaints[settings]


@dataclass(frozen=True)
class Row:
    """Means of one method at one rate; ``kd`` and ``fd`` compare the patches of all pictures together."""

    rate: float
    method: str
    bpp: float
    psnr: float
    ms_ssim: float
    lpips: float
    kd: float
    fd: float
    psnr_each: list[float]
    lpips_each: list[float]


Method = Callable[[Codec, Sketch], tuple[np.ndarray, int]]
"""Gives the picture ``(height, width, 3)`` uint8 and the bytes it cost."""


def autoencoder(codec: Codec, sketch: Sketch) -> tuple[np.ndarray, int]:
    return sketch.x_hat, len(sketch.stream)


def plain(codec_name: str) -> Method:
    """A conventional codec at no more bytes than the stream."""

    def run(codec: Codec, sketch: Sketch) -> tuple[np.ndarray, int]:
        result = encode_plain(sketch.image, codec_name, len(sketch.stream))
        return result.image, len(result.data)

    return run


def grain(sigma: float) -> Method:
    """The control: the autoencoder's picture plus white noise of ``sigma`` grey levels."""
    return lambda codec, sketch: (add_grain(sketch.x_hat, sigma), len(sketch.stream))


def repaint(settings: DecodeSettings) -> Method:
    """A score-based decoder."""

    return lambda codec, sketch: (sketch.repaint(codec, settings), len(sketch.stream))


def equal_psnr_grain(settings: DecodeSettings) -> Method:
    """The control with as much noise on each picture as makes it lose the PSNR that the repaint loses."""

    def run(codec: Codec, sketch: Sketch) -> tuple[np.ndarray, int]:
        target = psnr(sketch.original, sketch.repaint(codec, settings))
        sigma = matched_grain_sigma(sketch.x_hat, sketch.original, target)
        return add_grain(sketch.x_hat, sigma), len(sketch.stream)

    return run


def settings_label(settings: DecodeSettings) -> str:
    return f"{settings.decoder} {settings.num_inference_steps} steps, noise {settings.noise_level:g}"


def sketch_methods() -> dict[str, Method]:
    """Conventional codecs at the same bytes, the autoencoder, and the grain control, by name."""
    methods: dict[str, Method] = {name.upper(): plain(name) for name in PLAIN_CODECS}
    return methods | {"autoencoder": autoencoder} | {f"grain σ={sigma}": grain(sigma) for sigma in GRAIN_SIGMAS}


def repaint_methods(repaints: list[DecodeSettings]) -> dict[str, Method]:
    """The score-based decoders; beside those of many steps the grain control at equal PSNR."""
    methods: dict[str, Method] = {settings_label(settings): repaint(settings) for settings in repaints}
    many = [settings for settings in repaints if settings.num_inference_steps >= MANY_STEPS]
    return methods | {f"grain at the PSNR of {settings_label(s)}": equal_psnr_grain(s) for s in many}


def sketches(codec: Codec, pictures: list[Path], bpp: float) -> list[Sketch]:
    """Encodes every picture to at most ``bpp`` bits per pixel, header included."""
    found = []
    for path in tqdm(pictures, desc=f"encode at {bpp} bpp", leave=False):
        image = load_image(path)
        stream = codec.encode(image, bpp=bpp)
        original = np.asarray(image)
        found.append(Sketch(image, original, patch_features(original), stream, codec.reconstruct(stream)))
    return found


def _row(codec: Codec, rate: float, name: str, method: Method, found: list[Sketch]) -> Row:
    scores, sizes, features = [], [], []
    for sketch in tqdm(found, desc=f"{name} at {rate} bpp", leave=False):
        picture, size = method(codec, sketch)
        scores.append(measure(sketch.original, picture))
        sizes.append(8 * size / (sketch.image.width * sketch.image.height))
        features.append(patch_features(picture))
    original_features, picture_features = torch.cat([sketch.original_features for sketch in found]), torch.cat(features)
    return Row(
        rate,
        name,
        fmean(sizes),
        fmean(s.psnr for s in scores),
        fmean(s.ms_ssim for s in scores),
        fmean(s.lpips for s in scores),
        kernel_distance(original_features, picture_features),
        frechet_distance(original_features, picture_features),
        [round(s.psnr, 3) for s in scores],
        [round(s.lpips, 4) for s in scores],
    )


def _rows_still_valid(before: dict, now: dict) -> list[dict]:
    """The rows of an earlier run that these pictures, metrics and weights would give again."""
    if any(before[key] != now[key] for key in ("pictures", "lpips")):
        return []
    changed = [name for name, value in now["weights"].items() if before["weights"][name] != value]
    if Decoder.AUTOENCODER in changed:
        return []
    return [row for row in before["rows"] if not any(name in row["method"] for name in changed)]


def evaluate(
    codec: Codec, pictures: list[Path], rates: list[float], methods: dict[str, Method], out: Path
) -> Iterator[Row]:
    """Measures every method at every rate; rows already in ``out`` (JSON) that the same weights made are kept, so
    that an interrupted run continues."""
    weights = {name: codec.weights_hash(name) for name in (Decoder.AUTOENCODER, Decoder.DIFFUSION, Decoder.FLOW)}
    state = {"pictures": len(pictures), "lpips": lpips_name(), "weights": weights, "rows": []}
    if out.exists():
        state["rows"] = _rows_still_valid(json.loads(out.read_text()), state)
    done = {(row["rate"], row["method"]) for row in state["rows"]}
    for rate in rates:
        missing = [name for name in methods if (rate, name) not in done]
        found = sketches(codec, pictures, rate) if missing else []
        for name in missing:
            row = _row(codec, rate, name, methods[name], found)
            state["rows"].append(asdict(row))
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(state, indent=1, ensure_ascii=False))
            yield row


def table_line(row: Row) -> str:
    """One row of a Markdown table: method, bpp, PSNR, MS-SSIM, LPIPS, KD, FD."""
    return (
        f"| {row.method} | {row.bpp:.3f} | {row.psnr:.2f} | {row.ms_ssim:.4f} | {row.lpips:.3f} "
        f"| {row.kd:.4f} | {row.fd:.1f} |"
    )


DEFAULT_REPAINTS = [
    DecodeSettings(Decoder.DIFFUSION, 25, 0.5),
    DecodeSettings(Decoder.DIFFUSION, 25, 0.7),
    DecodeSettings(Decoder.DIFFUSION, 4, 0.5),
    DecodeSettings(Decoder.DIFFUSION, 4, 0.7),
    DecodeSettings(Decoder.FLOW, 4, 0.7),
]
