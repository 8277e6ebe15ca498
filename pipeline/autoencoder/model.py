"""Stage 1: the variable-rate autoencoder, trained on ``lambda * 255^2 * MSE + R`` and nothing else."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.autoencoder.quality_map import LEVEL_STEP, QualityMap, map_size, read_levels, write_levels
from pipeline.autoencoder.transforms import AnalysisPath, SynthesisPath
from pipeline.entropy import FOREIGN, SymbolReader
from pipeline.entropy.fixed_point import ACTIVATION_ONE
from pipeline.entropy.model import EntropyModel
from pipeline.entropy.scales import scale_table
from pipeline.errors import StreamError
from pipeline.layers.dct import dct_basis, dct_coefficients, picture_of
from pipeline.layers.lapped import BLOCK, filter_edges, lapped_filter
from pipeline.layers.model import Model, configured
from pipeline.layers.quality import CELL, Knots, spread
from pipeline.layers.unsent import band_weights, rounded_away, unsent_planes
from pipeline.precision import native
from pipeline.search import RateModel, bands, rate_model
from pipeline.stream import QUALITY_STEPS
from pipeline.tiles import map_tiles

ALIGNMENT = 64
"""Picture sides are padded to multiples of this."""
_RATE = (1.32, 0.78)
"""Power and logarithm of the factor of `rate_model`."""
_POSITIONS = 8192
"""Of the latent, that are taken at once where memory counts."""
_NEAR = 0.05
"""Qualities within which a latent serves: streams of it lie on the same rate-distortion curve within 0.01 dB."""


@dataclass(frozen=True)
class AutoencoderOutput:
    """Training-time output: reconstruction ``(batch, 3, height, width)``, estimated bits ``(batch,)``, and what the
    stream would not say, see `unsent_planes`."""

    reconstruction: Tensor
    bits: Tensor
    unsent: Tensor


@dataclass(frozen=True)
class Latent:
    """What a stream says, the same on every machine."""

    values: Tensor
    """int32 ``(1, channels, rows, columns)``, in units of 1/256 of a quantisation step."""
    scale_indexes: Tensor
    """uint8 of the same shape: in `scale_table`, the scales that the values were coded with."""
    quality: QualityMap


class Autoencoder(Model):
    """Transform coder with a hyperprior and one continuous quality for all rates.

    Data's way: ``image [B, 3, H, W] in [0, 1] -> y [B, C, H/16, W/16] -> bytes -> y_hat -> reconstruction``.
    """

    basis: Tensor
    edge_filter: Tensor
    bands: Tensor

    @configured
    def __init__(
        self,
        luma_channels: int = 176,
        chroma_channels: int = 40,
        groups: tuple[int, ...] = (16, 32, 64, 144),
        widths: tuple[int, int, int] = (64, 160, 256),
        blocks: tuple[int, int, int] = (1, 2, 2),
        synthesis_blocks: tuple[int, int, int] = (2, 3, 2),
        hyper_channels: int = 48,
        feature_channels: int = 64,
        context_channels: int = 128,
        knots: int = 9,
        lapped: bool = True,
        lambda_range: tuple[float, float] = (0.0004, 0.06),
    ):
        """``lambda_range``: the Lagrangian weights of qualities 0 and 1; ``lapped``: whether the blocks of the linear
        path overlap."""
        super().__init__()
        channels = luma_channels + 2 * chroma_channels
        if channels != sum(groups):
            raise ValueError(f"groups {groups} must add up to {channels} latent channels")
        self.register_buffer("basis", dct_basis(BLOCK, luma_channels, chroma_channels), persistent=False)
        self.register_buffer("edge_filter", lapped_filter() if lapped else torch.eye(BLOCK), persistent=False)
        bands = band_weights(dct_coefficients(BLOCK, luma_channels, chroma_channels))
        self.register_buffer("bands", bands, persistent=False)
        self.analysis_path = AnalysisPath(channels, widths, blocks)
        self.synthesis_path = SynthesisPath(channels, widths, synthesis_blocks)
        self.entropy = EntropyModel(tuple(groups), hyper_channels, feature_channels, context_channels, knots)
        # The step that is optimal at high rate: d/dD (lambda * D) = -d/dD R with D = step^2 / 12.
        lambdas = self.rate_lambda(torch.linspace(0, 1, knots))
        steps = torch.sqrt(6 / (lambdas * math.log(2)))
        self.log_gain = Knots(-steps.log()[:, None].expand(knots, channels))

    @property
    def lambda_range(self) -> tuple[float, float]:
        """The Lagrangian weights of qualities 0 and 1."""
        low, high = self.config["lambda_range"]
        return low, high

    def rate_lambda(self, quality: Tensor) -> Tensor:
        """The Lagrangian weight of a quality in [0, 1], log-spaced over the model's range."""
        low, high = self.lambda_range
        return low * (high / low) ** quality

    def _error_weights(self, quality: Tensor, size: torch.Size) -> Tensor:
        """``(batch, channels, *size)``: the bits that a squared error of one quantisation step is worth.

        The loss takes the mean over three colour channels; the linear path is orthonormal.
        """
        return spread(self.rate_lambda(quality) / 3 * torch.exp(-2 * self.log_gain(quality)), size)

    def _gain(self, quality: Tensor, size: torch.Size) -> Tensor:
        return spread(torch.exp(self.log_gain(quality)), size)

    def coefficients(self, image: Tensor) -> Tensor:
        """What the linear path makes of an image ``(batch, 3, height, width)`` in [0, 1]: ``(batch, channels,
        height/16, width/16)``, of grey levels, float32."""
        with torch.autocast(image.device.type, enabled=False):
            filtered = filter_edges((image - 0.5).float() * 255, self.edge_filter.float())
            return F.conv2d(filtered, self.basis.float(), stride=BLOCK)

    def analysis(self, image: Tensor, quality: Tensor) -> Tensor:
        """Image ``(batch, 3, height, width)`` in [0, 1] => latent ``(batch, channels, height/16, width/16)`` in
        quantisation steps, float32."""
        coefficients = self.coefficients(image)
        with torch.autocast(image.device.type, enabled=False):
            linear = coefficients * self._gain(quality, coefficients.shape[2:])
        with native(self.analysis_path.stem.weight.dtype, image.device):
            path: Tensor = self.analysis_path(image - 0.5, quality)
        return linear + path.float()

    def synthesis(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        """Latent in quantisation steps => image ``(batch, 3, height, width)``, not yet clamped to [0, 1]."""
        with torch.autocast(y_hat.device.type, enabled=False):
            coefficients = y_hat.float() / self._gain(quality, y_hat.shape[2:])
            linear = filter_edges(picture_of(coefficients, self.basis.float() / 255), self.edge_filter.float().mT)
        with native(self.synthesis_path.stem.weight.dtype, y_hat.device):
            path: Tensor = self.synthesis_path(coefficients / 64, quality)
        return linear + path.float() + 0.5

    def forward(self, image: Tensor, quality: Tensor, weighed_rounding: bool = True) -> AutoencoderOutput:
        """``image`` ``(batch, 3, height, width)`` in [0, 1], sides multiples of 64; ``quality`` a quality map.

        What a stream would decode to, but for the exactness. Without ``weighed_rounding`` the latent is rounded to the
        nearest integers, as streams are not, and in training mode the bits are those of a latent with additive noise.
        """
        y = self.analysis(image, quality)
        weights = self._error_weights(quality, y.shape[2:]) if weighed_rounding else None
        rate = self.entropy(y, quality, weights)
        unsent = unsent_planes(rounded_away(rate.scales), self.bands)
        return AutoencoderOutput(self.synthesis(rate.y_hat, quality), rate.bits, unsent)

    @torch.no_grad()
    def rate_model(self, image: Tensor, levels: Tensor | None) -> RateModel:
        """How the payloads of `encoder` should grow with the quality, with these levels of a quality map."""
        shifts = None
        if levels is not None:
            cells = bands(levels[None, None], ALIGNMENT // CELL, CELL)[0, 0]
            shifts = LEVEL_STEP * cells.repeat_interleave(CELL // BLOCK, 0).repeat_interleave(CELL // BLOCK, 1)
        return rate_model(self.coefficients(bands(image, ALIGNMENT)), self.log_gain, BLOCK, *_RATE, shifts)

    def encoder(self, image: Tensor) -> Callable[[QualityMap], bytes]:
        """A function from quality maps to payloads of ``image`` ``(1, 3, height, width)`` in [0, 1], sides multiples
        of 64.

        Where all of a map is near the one that was analysed last, the latent is that one's but for its unit, as good
        per bit as a new one.
        """
        analysed: tuple[Tensor, Tensor] | None = None

        @torch.no_grad()
        def encode_at(quality: QualityMap) -> bytes:
            nonlocal analysed
            plane = self._plane(quality.codes, *image.shape[2:])
            if analysed is not None and (plane - analysed[0]).abs().max() <= _NEAR:
                known, y = analysed
                y = y * spread(torch.exp(self.log_gain(plane) - self.log_gain(known)), y.shape[2:])
            else:
                analysed = None  # not kept while the next is made
                y = map_tiles(
                    self.analysis, (image, plane), in_steps=(1, CELL), out_step=BLOCK, margin=self.analysis_path.reach
                )
                analysed = plane, y
            return self._payload(y, plane, quality)

        return encode_at

    def compress(self, image: Tensor, quality: QualityMap) -> bytes:
        """The payload of one map, see `encoder`."""
        return self.encoder(image)(quality)

    def _payload(self, y: Tensor, plane: Tensor, quality: QualityMap) -> bytes:
        """One byte that says how the quality map's levels are coded (0: there are none), then the symbols: of the
        levels, of the hyper-latent, of the latent."""
        writer = self.entropy.writer()
        how = 0 if quality.levels is None else 1 + write_levels(writer, quality.levels)
        self.entropy.write(writer, y, quality.codes, self._error_weights(plane, y.shape[2:]))
        return bytes([how]) + writer.finish()

    @torch.no_grad()
    def decompress(self, payload: bytes, quality_code: int, height: int, width: int) -> Latent:
        """The exact latent of a payload for a padded picture of ``height`` x ``width``.

        Raises:
            StreamError: the payload is not one of `encoder` for this quality and size.
        """
        reader, quality = self._begun(payload, quality_code, height, width)
        values, scale_indexes = self.entropy.read(reader, quality.codes, height // BLOCK, width // BLOCK)
        reader.finish()
        return Latent(values.int(), scale_indexes, quality)

    def quality_map(self, payload: bytes, quality_code: int, height: int, width: int) -> QualityMap:
        """The map that such a payload begins with; whether the rest is sound `decompress` alone tells.

        Raises:
            StreamError: these are no levels.
        """
        return self._begun(payload, quality_code, height, width)[1]

    def _begun(self, payload: bytes, quality_code: int, height: int, width: int) -> tuple[SymbolReader, QualityMap]:
        """The reader of a payload behind its quality map, and the map."""
        if not payload:
            raise StreamError(FOREIGN)
        reader = self.entropy.reader(payload[1:])
        how = payload[0]
        levels = read_levels(reader, *map_size(height, width), how - 1) if how else None
        return reader, QualityMap(quality_code, levels)

    @torch.no_grad()
    def reconstruct(self, latent: Latent) -> Tensor:
        """The decoded picture of an exact latent: ``(1, 3, height, width)`` float32 in [0, 1]."""
        y_hat = latent.values.to(self.device, torch.float32) / ACTIVATION_ONE
        picture = map_tiles(
            self.synthesis,
            (y_hat, self.quality_plane(latent)),
            in_steps=(BLOCK, CELL),
            out_step=1,
            margin=self.synthesis_path.reach,
        )
        return picture.clamp_(0, 1)

    @torch.no_grad()
    def unsent(self, latent: Latent) -> Tensor:
        """What the stream of an exact latent does not say: `unsent_planes` ``(1, UNSENT_PLANES, height/16,
        width/16)``."""
        indexes = latent.scale_indexes.to(self.device).flatten(2)[..., None]
        errors = rounded_away(scale_table()).to(self.device)
        parts = [unsent_planes(errors[part.int()], self.bands) for part in indexes.split(_POSITIONS, 2)]
        return torch.cat(parts, 2).view(1, -1, *latent.values.shape[2:])

    def quality_plane(self, latent: Latent) -> Tensor:
        """The quality map of a latent: ``(1, 1, height/32, width/32)`` float32 in [0, 1]."""
        rows, columns = latent.values.shape[2:]
        return self._plane(latent.quality.codes, rows * BLOCK, columns * BLOCK)

    def _plane(self, codes: Tensor, height: int, width: int) -> Tensor:
        """The quality map of a picture, one value a cell, in [0, 1]."""
        plane = (codes / QUALITY_STEPS).to(self.device, torch.float32)
        return plane.expand(-1, -1, *map_size(height, width))
