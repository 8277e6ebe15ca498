"""What other engines would make of the network's evaluation, and what their start costs: torch.compile, OpenVINO."""

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from PIL import Image
from torch import Tensor, nn

from pipeline.codec import Codec
from pipeline.evaluation.speed import beside
from pipeline.images import padded_size
from pipeline.score.network import PATCH, TIME_RANGE
from pipeline.settings import Precision

_QUALITY = 0.4

Engine = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class EngineTiming:
    """One engine on one evaluation of the standard painter's U-Net, in float32."""

    engine: str
    start_seconds: float
    """Until its first answer, compiling included."""
    seconds: float
    """Median of one evaluation."""
    ratio: float
    """To the evaluation as it ships, timed beside it."""
    difference: float
    """Largest of the answer, in units of the answer's root mean square."""

    def __str__(self) -> str:
        return (
            f"{self.engine}: {self.seconds:.3f} s, {self.ratio:.2f} × as it ships, after {self.start_seconds:.1f} s; "
            f"differs by {self.difference:.1e}"
        )


@torch.no_grad()
def time_engines(image: Image.Image, repeats: int = 5) -> Iterator[EngineTiming]:
    """Times the engines that are installed on ``image``, 768 × 512 by custom, on the CPU."""
    standard = Codec.from_pretrained(device="cpu", precision=Precision.FP32).standard
    unet = standard.diffusion.unet
    network = _AtOnce(unet).eval()
    width, height = padded_size(*image.size, standard.alignment)
    inputs = torch.randn(1, unet.config["in_channels"], height // PATCH, width // PATCH)
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    shipped = network(inputs)
    for name, start in _ENGINES.items():
        if not _installed(name):
            continue
        began = time.perf_counter()
        engine = start(network, inputs)
        start_seconds = time.perf_counter() - began
        seconds, ratio = beside(partial(engine, inputs), partial(network, inputs), repeats)
        difference = (engine(inputs) - shipped).abs().max() / shipped.square().mean().sqrt()
        yield EngineTiming(name, start_seconds, seconds, ratio, difference.item())


class _AtOnce(nn.Module):
    """The U-Net at one time and quality, which engines take as constants."""

    def __init__(self, unet: nn.Module):
        super().__init__()
        self.unet = unet

    def forward(self, inputs: Tensor) -> Tensor:
        half = torch.full((1,), 0.5 * TIME_RANGE)
        answer: Tensor = self.unet(inputs, half, class_labels=torch.full((1,), _QUALITY * TIME_RANGE)).sample
        return answer


def _installed(engine: str) -> bool:
    """torch.compile needs a C++ compiler."""
    if engine == "OpenVINO":
        return importlib.util.find_spec("openvino") is not None
    return shutil.which("g++") is not None


def _compiled(network: nn.Module, inputs: Tensor) -> Engine:
    compiled: Engine = torch.compile(network)
    compiled(inputs)
    return compiled


def _openvino(network: nn.Module, inputs: Tensor) -> Engine:
    import openvino

    model = openvino.convert_model(network, example_input=inputs)
    model.reshape(list(inputs.shape))
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def answer(given: Tensor) -> Tensor:
        return torch.from_numpy(compiled(given.contiguous().numpy())[0])

    answer(inputs)
    return answer


_ENGINES = {"torch.compile": _compiled, "OpenVINO": _openvino}
