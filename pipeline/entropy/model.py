"""The entropy model on real streams: exact by construction.

Everything the decoder computes before the symbols are known runs in the fixed-point arithmetic of
`pipeline.entropy.fixed_point`, so the decoded latent is identical on every machine. Coding runs on the CPU, where
the entropy coder is; keep this module there when the transforms move to a GPU.
"""

from collections.abc import Callable

import torch
from compressai.entropy_models import GaussianConditional
from torch import Tensor

from pipeline.entropy.coder import SYMBOL_MAX, CodingTables, SymbolReader, SymbolWriter
from pipeline.entropy.fixed_point import ACTIVATION_ONE
from pipeline.entropy.network import INDEX_BIAS, INDEX_GAIN, INPUT_SHIFT, ContextHyperprior, checkerboard
from pipeline.entropy.planes import planes_at, quality_units
from pipeline.entropy.rounding import rate_distortion_round
from pipeline.entropy.scales import SCALE_LEVELS, SCALE_MIN, scale_table
from pipeline.stream import QUALITY_STEPS
from pipeline.tiles import map_tiles

_TABLE_WIDTH = 1600
"""Room for the widest distribution: SCALE_MAX times 6.1 on both sides at a tail mass of 1e-9."""
_WINDOW = 64
"""Positions a side of the windows in which the context networks run: their maps are to fit into the cache."""

Exchange = Callable[[slice, Tensor, Tensor, Tensor], Tensor]
"""One coding pass of `EntropyModel`: channels, mask of coded symbols, their means and scale indexes => symbols."""


class EntropyModel(ContextHyperprior):
    """Writes and reads the latent ``y`` ``(batch, sum(groups), height, width)`` in units of the quantisation step."""

    cdf: Tensor
    cdf_size: Tensor
    cdf_offset: Tensor

    def __init__(
        self, groups: tuple[int, ...], hyper_channels: int, feature_channels: int, context_channels: int, knots: int
    ):
        super().__init__(groups, hyper_channels, feature_channels, context_channels, knots)
        # The coding tables are part of the checkpoint: computing them again could round differently elsewhere.
        self.register_buffer("cdf", torch.zeros(SCALE_LEVELS, _TABLE_WIDTH, dtype=torch.int32))
        self.register_buffer("cdf_size", torch.zeros(SCALE_LEVELS, dtype=torch.int32))
        self.register_buffer("cdf_offset", torch.zeros(SCALE_LEVELS, dtype=torch.int32))

    @torch.no_grad()
    def update(self) -> None:
        """Builds the integer coding tables; called once after training, saved in the checkpoint."""
        gaussian = GaussianConditional(scale_table().tolist(), scale_bound=SCALE_MIN)
        gaussian.update()
        self.cdf.zero_()[:, : gaussian.quantized_cdf.shape[1]] = gaussian.quantized_cdf
        self.cdf_size.copy_(gaussian.cdf_length)
        self.cdf_offset.copy_(gaussian.offset)

    def tables(self) -> CodingTables:
        return CodingTables(self.cdf.numpy(), self.cdf_size.numpy(), self.cdf_offset.numpy())

    def _z_indexes(self, codes: Tensor, height: int, width: int) -> Tensor:
        """Scale index of every hyper-latent symbol, ``(hyper_channels * height * width,)``; integer arithmetic."""
        knots = (self.z_index.values.double() * ACTIVATION_ONE).round()
        spacing = QUALITY_STEPS // (len(knots) - 1)
        code = planes_at(codes, (height, width)).flatten()
        low = torch.floor(code / spacing).clamp(max=len(knots) - 2)
        rest = (code - low * spacing)[:, None]
        low = low.long()
        blend = knots[low] * (spacing - rest) + knots[low + 1] * rest
        index = torch.floor(blend / (spacing * ACTIVATION_ONE) + 0.5).clamp(0, SCALE_LEVELS - 1)
        return index.T.flatten()

    def _code_latent(self, z_hat: Tensor, codes: Tensor, exchange: Exchange) -> Tensor:
        """Walks the coding passes in order, the same way on both sides, and returns the decoded latent.

        ``exchange(channels, coded, mean, index)`` is given a channel group, the mask of what is coded in this pass,
        and mean (units of 1/256) and scale index of each coded symbol; it writes or reads the symbols and returns them.
        """
        units = quality_units(codes)
        features = self.hyper_synthesis(z_hat * ACTIVATION_ONE, units, exact=True)
        height, width = features.shape[2:]
        planes = planes_at(units, (height, width))
        anchors = checkerboard(height, width)
        latent = torch.zeros(1, sum(self.groups), height, width, dtype=torch.float64)
        start = 0
        for group, context in zip(self.groups, self.contexts, strict=True):
            channels = slice(start, start + group)
            for stage, positions in enumerate((anchors, ~anchors)):
                known = torch.floor(latent[:, : channels.stop] / INPUT_SHIFT + 0.5)
                x = torch.cat([features, known, planes, torch.full_like(planes, stage * ACTIVATION_ONE)], 1)
                mean, raw = map_tiles(context.exact, (x,), in_steps=(1,), out_step=1, size=_WINDOW, margin=1).chunk(
                    2, 1
                )
                index = torch.floor((raw * INDEX_GAIN) / ACTIVATION_ONE + INDEX_BIAS + 0.5)
                index = index.clamp(0, SCALE_LEVELS - 1)
                # Symbols of the smallest scale are zero in all but five of a million cases: they are not sent.
                coded = positions & (index > 0)
                values = mean.clone()
                values[coded] += exchange(channels, coded, mean[coded], index[coded]) * ACTIVATION_ONE
                latent[:, channels] = torch.where(positions, values, latent[:, channels])
            start += group
        return latent

    def writer(self) -> SymbolWriter:
        """Where `write` leaves its symbols."""
        return SymbolWriter(self.tables())

    def reader(self, payload: bytes) -> SymbolReader:
        """Where `read` finds them."""
        return SymbolReader(self.tables(), payload)

    @torch.no_grad()
    def write(self, writer: SymbolWriter, y: Tensor, codes: Tensor, weights: Tensor | None = None) -> None:
        """Codes a latent.

        Args:
            y: ``(1, channels, height, width)`` in quantisation steps, height and width multiples of 4.
            codes: the quality map in units of 1/`QUALITY_STEPS`, integers in float64.
            weights: the bits that a squared error of one step is worth, broadcast to the shape of ``y``: rounding then
                weighs bits against error, see `rate_distortion_round`. Without, to the nearest integer.
        """
        y = y.float().cpu()
        plane = (planes_at(quality_units(codes), y.shape[2:]) / ACTIVATION_ONE).float()
        z_hat = torch.round(self.hyper_analysis(torch.cat([y, plane], 1))).double().clamp(-SYMBOL_MAX, SYMBOL_MAX)
        writer.write(z_hat.flatten(), self._z_indexes(codes, *z_hat.shape[2:]))
        worth = None if weights is None else weights.cpu().expand_as(y)

        def write(channels: slice, coded: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            values = y[:, channels][coded] - mean / ACTIVATION_ONE
            if worth is None:
                symbols = torch.round(values)
            else:
                symbols = rate_distortion_round(values, scale_table()[index.long()], worth[:, channels][coded])
            symbols = symbols.clamp(-SYMBOL_MAX, SYMBOL_MAX)
            writer.write(symbols, index)
            return symbols

        self._code_latent(z_hat, codes, write)

    @torch.no_grad()
    def read(self, reader: SymbolReader, codes: Tensor, height: int, width: int) -> Tensor:
        """The latent in units of 1/256 of a quantisation step: integers in float64 ``(1, channels, height, width)``.

        Raises:
            StreamError: these are not the symbols that `write` made for this quality map and size.
        """
        z_indexes = self._z_indexes(codes, height // 4, width // 4)
        z_hat = reader.read(z_indexes).view(1, self.hyper_channels, height // 4, width // 4)

        def read(channels: slice, coded: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            return reader.read(index)

        return self._code_latent(z_hat, codes, read)
