"""HFD at work on real streams: analysis => stream => latent => picture => paint."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial

import torch
from PIL import Image
from torch import Tensor

from pipeline.autoencoder import ALIGNMENT, Autoencoder, Latent, QualityMap
from pipeline.autoencoder.allocation import wanted_levels
from pipeline.score import DiffusionDecoder, FlowDecoder, SampleStep, ScoreDecoder
from pipeline.settings import Allocation, CodecName, Decoder, DecodeSettings
from pipeline.stream import StreamHeader
from pipeline.systems.base import Reconstruction, System


class HFDSystem(System[Reconstruction]):
    """HFD (Hoogeboom et al. 2023, arXiv 2305.18231): the MSE autoencoder, then diffusion or a rectified flow."""

    name = CodecName.STANDARD
    model_name = "autoencoder"
    alignment = ALIGNMENT
    bpp_range = (0.02, 4.0)
    bpp_tolerance = 0.01
    painters = (Decoder.DIFFUSION, Decoder.FLOW)

    @cached_property
    def autoencoder(self) -> Autoencoder:
        model = self._load(Autoencoder, self.model_name)
        model.entropy.cpu()
        return model

    @cached_property
    def diffusion(self) -> DiffusionDecoder:
        return self._load(DiffusionDecoder, Decoder.DIFFUSION)

    @cached_property
    def flow(self) -> FlowDecoder:
        return self._load(FlowDecoder, Decoder.FLOW)

    def prepare(self) -> None:
        _ = self.autoencoder

    def levels(self, allocation: Allocation, image: Image.Image, padded: Tensor) -> Tensor | None:
        return wanted_levels(allocation, image, padded)

    def encoder(self, padded: Tensor) -> Callable[[QualityMap], bytes]:
        return partial(self.autoencoder.compress, padded)

    def quality_map(self, payload: bytes, quality_code: int, height: int, width: int) -> QualityMap:
        return self.autoencoder.quality_map(payload, quality_code, height, width)

    def decompress(self, payload: bytes, quality_code: int, height: int, width: int) -> Latent:
        return self.autoencoder.decompress(payload, quality_code, height, width)

    def reconstruct(self, latent: Latent) -> Reconstruction:
        return Reconstruction(self.autoencoder.reconstruct(latent))

    def paint(
        self, reconstruction: Reconstruction, header: StreamHeader, settings: DecodeSettings
    ) -> Iterator[SampleStep]:
        model: ScoreDecoder = self.diffusion if settings.decoder is Decoder.DIFFUSION else self.flow
        generator = torch.Generator().manual_seed(settings.seed)
        steps, noise_level = settings.num_inference_steps, settings.noise_level
        quality, grain = header.quality, header.grain
        return model.sample(reconstruction.picture, quality, grain, steps, noise_level, generator, settings.shift)
