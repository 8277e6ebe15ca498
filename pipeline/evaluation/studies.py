"""What `python -m pipeline evaluate` measures: the rates, and the sweeps behind each plot."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.comparison import Method
from pipeline.comparison.baselines import PLAIN_CODECS
from pipeline.comparison.catalogue import (
    adaptive,
    autoencoder,
    coarse,
    grain,
    matched_grain,
    plain,
    plain_smaller,
    repaint,
    sent_grain,
)
from pipeline.evaluation.plots import MAIN_RATE
from pipeline.settings import DEFAULT_SETTINGS, Decoder, DecodeSettings, SystemName

GRAIN_SIGMAS = (1, 2, 3, 4)
RATES = (0.12, 0.25, 0.5, 0.9)
DIFFUSION = DEFAULT_SETTINGS[SystemName.STANDARD]
MANY_STEPS = replace(DIFFUSION, num_inference_steps=25)
FLOW = replace(DIFFUSION, decoder=Decoder.FLOW, num_inference_steps=2)
STEP_COUNTS = (1, 2, 4)
NOISE_LEVELS = (0.3, 0.5, 0.7, 1.0)
SHIFTS = (0.25, 0.5, 1.0, 2.0)
SHIFTED = replace(DIFFUSION, num_inference_steps=4)
ULTRALOW = DEFAULT_SETTINGS[SystemName.ULTRALOW]
ULTRALOW_RATES = (0.01, 0.02, 0.03)
PAPER_RATES = (0.0139, 0.0204, 0.028)
"""Where SPRDiff's paper states its figures on Kodak."""
ULTRALOW_STEP_COUNTS = (1, 2, 4, 10)
ULTRALOW_NOISE_LEVELS = (0.3, 0.6, 1.0)


@dataclass(frozen=True)
class Study:
    """Methods measured at the same rates."""

    rates: tuple[float, ...]
    methods: list[Method]


def reconstruction_methods() -> list[Method]:
    """Conventional codecs at the same bytes, the autoencoder with both quality maps, and the grain control."""
    grains = [grain(sigma) for sigma in GRAIN_SIGMAS] + [sent_grain(factor) for factor in (1, 2)]
    return [*(plain(name) for name in PLAIN_CODECS), autoencoder(), adaptive(), *grains]


def repaints_and_controls(repaints: Iterable[DecodeSettings]) -> list[Method]:
    """The score-based decoders, each beside the grain control at equal PSNR."""
    return [method(settings) for settings in repaints for method in (repaint, matched_grain)]


def all_studies() -> list[Study]:
    """The reference methods and both decoders in few steps over the rates; then, at the main rate, diffusion in many
    steps, step counts, noise levels and shifts."""
    steps = [replace(settings, num_inference_steps=count) for count in STEP_COUNTS for settings in (DIFFUSION, FLOW)]
    noise = [replace(settings, noise_level=level) for settings in (DIFFUSION, FLOW) for level in NOISE_LEVELS]
    shifts = [replace(SHIFTED, shift=shift) for shift in SHIFTS]
    return [
        Study(RATES, reconstruction_methods()),
        Study(RATES, repaints_and_controls([DIFFUSION, FLOW])),
        Study((MAIN_RATE,), [repaint(settings) for settings in (MANY_STEPS, *steps, *noise, *shifts)]),
    ]


def shrunken_methods() -> list[Method]:
    """Conventional codecs below 0.03 bits per pixel, on a picture that may be made smaller first."""
    return [plain_smaller(name, sigma) for name in ("webp", "avif", "jxl") for sigma in (0, 4, 8)]


def ultralow_studies() -> list[Study]:
    """The ultra-low system beside conventional codecs at the same bytes, then its steps and noise levels at 0.02, then
    the paper's rates."""
    controls = [grain(4), grain(8), matched_grain(ULTRALOW)]
    sweep = [replace(ULTRALOW, num_inference_steps=count) for count in ULTRALOW_STEP_COUNTS]
    sweep += [replace(ULTRALOW, noise_level=level) for level in ULTRALOW_NOISE_LEVELS]
    return [
        Study(ULTRALOW_RATES, [coarse(), repaint(ULTRALOW), *controls, *shrunken_methods()]),
        Study((0.02,), [repaint(settings) for settings in sweep]),
        Study(PAPER_RATES, [coarse(), repaint(ULTRALOW)]),
    ]


def ablation_study() -> Study:
    """What each variant of the ultra-low system is measured by."""
    return Study((0.02,), [coarse(), repaint(ULTRALOW)])
