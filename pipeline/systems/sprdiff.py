"""The ultra-low system as the codec uses it: SPRDiff at work on real streams."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pipeline.autoencoder import Latent, QualityMap
from pipeline.precision import lower
from pipeline.score import SampleStep
from pipeline.search import RateModel
from pipeline.settings import Decoder, DecodeSettings, SystemName
from pipeline.stream import StreamHeader
from pipeline.systems.base import Reconstruction, System
from pipeline.tiles import map_tiles
from pipeline.ultralow.encoders import STRIDE, SemanticEncoder
from pipeline.ultralow.feature_coder import ALIGNMENT, FeatureCoder, Guidance
from pipeline.ultralow.painter import LatentPainter
from pipeline.ultralow.public import load_semantic_encoder, load_vae
from pipeline.ultralow.vae import DOWN, LatentSpace


@dataclass(frozen=True)
class GuidedReconstruction(Reconstruction):
    """The coarse picture with the latents and dual features behind it."""

    guidance: Guidance


class SPRDiffSystem(System[GuidedReconstruction]):
    """SPRDiff (Wei et al. 2026, arXiv 2606.01608): triple encoder, latent compression, guided latent diffusion."""

    name = SystemName.ULTRALOW
    model_name = "ultralow"
    alignment = ALIGNMENT
    bpp_range = (0.001, 0.2)
    bpp_tolerance = 0.0025
    painters = (Decoder.DIFFUSION,)

    @cached_property
    def coder(self) -> FeatureCoder:
        model = self._load(FeatureCoder, self.model_name)
        model.entropy.cpu()
        return model

    @cached_property
    def vae(self) -> LatentSpace:
        return load_vae(self._load, self._folder)

    @cached_property
    def semantic_encoder(self) -> SemanticEncoder:
        return load_semantic_encoder(self._load, self._folder)

    @cached_property
    def painter(self) -> LatentPainter:
        model = self._load(LatentPainter, "painter")
        lower(model, self._precision)
        return model

    def prepare(self) -> None:
        _ = self.coder, self.vae, self.semantic_encoder

    @torch.no_grad()
    def encoder(self, padded: Tensor) -> Callable[[QualityMap], bytes]:
        coder = self.coder

        def fuse(window: Tensor) -> Tensor:
            return coder.fuse(window, self.vae.encode(window), self.semantic_encoder(window))

        coefficients = coder.coefficients(padded)
        fused = map_tiles(fuse, (padded,), in_steps=(1,), out_step=STRIDE, margin=256)

        @torch.no_grad()
        def encode_at(quality: QualityMap) -> bytes:
            return coder.compress(coefficients, fused, quality)

        return encode_at

    def rate_model(self, padded: Tensor, levels: Tensor | None) -> RateModel:
        return self.coder.rate_model(padded)

    def decompress(self, payload: bytes, quality_code: int, height: int, width: int) -> Latent:
        return self.coder.decompress(payload, quality_code, height, width)

    @torch.no_grad()
    def reconstruct(self, latent: Latent) -> GuidedReconstruction:
        quality = self.coder.quality(latent.quality)
        guidance = self.coder.guidance(self.coder.dequantised(latent), quality)
        return GuidedReconstruction(self._picture(guidance.coarse).clamp_(0, 1), guidance)

    def paint(
        self, reconstruction: GuidedReconstruction, header: StreamHeader, settings: DecodeSettings
    ) -> Iterator[SampleStep]:
        generator = torch.Generator().manual_seed(settings.seed)
        total = settings.num_inference_steps
        samples = self.painter.sample(reconstruction.guidance, total, settings.noise_level, generator)
        for step, (sigma, latents) in enumerate(samples, 1):
            yield SampleStep(step, total, sigma, self._picture(latents))

    @torch.no_grad()
    def _picture(self, latents: Tensor) -> Tensor:
        return map_tiles(self.vae.decode, (latents,), in_steps=(DOWN,), out_step=1)
