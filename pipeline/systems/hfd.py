"""HFD at work on real streams: analysis => stream => latent => picture => paint."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from pipeline.autoencoder import ALIGNMENT, Autoencoder, Latent, QualityMap
from pipeline.autoencoder.allocation import wanted_levels
from pipeline.precision import lower
from pipeline.score import DiffusionDecoder, FlowDecoder, SampleStep, ScoreDecoder
from pipeline.search import RateModel
from pipeline.settings import Allocation, Decoder, DecodeSettings, Precision, SystemName
from pipeline.stream import StreamHeader
from pipeline.systems.base import Reconstruction, System

Painter = TypeVar("Painter", bound=ScoreDecoder)


@dataclass(frozen=True)
class MappedReconstruction(Reconstruction):
    """The decoded picture with the quality map that it was coded at, one level a cell, and what was not sent."""

    quality: Tensor
    unsent: Tensor


class HFDSystem(System[MappedReconstruction]):
    """HFD (Hoogeboom et al. 2023, arXiv 2305.18231): the MSE autoencoder, then diffusion or a rectified flow."""

    name = SystemName.STANDARD
    model_name = "autoencoder"
    alignment = ALIGNMENT
    bpp_range = (0.02, 4.0)
    bpp_tolerance = 0.01
    painters = (Decoder.DIFFUSION, Decoder.FLOW)
    shifts = True

    @cached_property
    def autoencoder(self) -> Autoencoder:
        model = self._load(Autoencoder, self.model_name)
        model.entropy.cpu()
        if self._precision is Precision.BF16:  # float16 cannot hold what a foreign stream may ask for
            lower(model.analysis_path, self._precision)
            lower(model.synthesis_path, self._precision)
        return model

    @cached_property
    def diffusion(self) -> DiffusionDecoder:
        return self._painter(DiffusionDecoder, Decoder.DIFFUSION)

    @cached_property
    def flow(self) -> FlowDecoder:
        return self._painter(FlowDecoder, Decoder.FLOW)

    def _painter(self, model_class: type[Painter], name: Decoder) -> Painter:
        model = self._load(model_class, name)
        lower(model.unet, self._precision)
        if model.refinement is not None:
            lower(model.refinement, self._precision)
        return model

    def prepare(self) -> None:
        _ = self.autoencoder

    def levels(self, allocation: Allocation, image: Image.Image, padded: Tensor) -> Tensor | None:
        return wanted_levels(allocation, image, padded)

    def encoder(self, padded: Tensor) -> Callable[[QualityMap], bytes]:
        return self.autoencoder.encoder(padded)

    def quality_map(self, payload: bytes, quality_code: int, height: int, width: int) -> QualityMap:
        return self.autoencoder.quality_map(payload, quality_code, height, width)

    def rate_model(self, padded: Tensor, levels: Tensor | None) -> RateModel:
        return self.autoencoder.rate_model(padded, levels)

    def decompress(self, payload: bytes, quality_code: int, height: int, width: int) -> Latent:
        return self.autoencoder.decompress(payload, quality_code, height, width)

    def reconstruct(self, latent: Latent) -> MappedReconstruction:
        model = self.autoencoder
        return MappedReconstruction(model.reconstruct(latent), model.quality_plane(latent), model.unsent(latent))

    def paint(
        self, reconstruction: MappedReconstruction, header: StreamHeader, settings: DecodeSettings
    ) -> Iterator[SampleStep]:
        model: ScoreDecoder = self.diffusion if settings.decoder is Decoder.DIFFUSION else self.flow
        generator = torch.Generator().manual_seed(settings.seed)
        steps, noise_level = settings.num_inference_steps, settings.noise_level
        said = reconstruction.picture, reconstruction.quality, reconstruction.unsent
        return model.sample(*said, header.grain, steps, noise_level, generator, settings.shift)
