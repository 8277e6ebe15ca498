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
from pipeline.entropy.context import CheckerboardContext
from pipeline.entropy.fixed_point import ACTIVATION_ONE
from pipeline.entropy.network import INDEX_BIAS, INDEX_GAIN, INPUT_SHIFT, ContextHyperprior, checkerboard
from pipeline.entropy.planes import planes_at, quality_units
from pipeline.entropy.rounding import rate_distortion_round
from pipeline.entropy.scales import SCALE_LEVELS, SCALE_MIN, scale_table
from pipeline.stream import QUALITY_STEPS

_TABLE_WIDTH = 1600
"""Room for the widest distribution: SCALE_MAX times 6.1 on both sides at a tail mass of 1e-9."""

Exchange = Callable[[slice, Tensor, Tensor, Tensor, Tensor], Tensor]
"""One coding pass of `EntropyModel`: channels, positions, which of their symbols are coded, those' means and scale
indexes => symbols."""


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

    def _code_latent(self, z_hat: Tensor, codes: Tensor, exchange: Exchange) -> tuple[Tensor, Tensor]:
        """Walks the coding passes in order, the same way on both sides, and returns the decoded latent and the scale
        indexes of all of it.

        ``exchange(channels, positions, coded, mean, index)`` is given a channel group, the flat positions of this pass,
        what is coded as flat indexes into ``(channels, positions)``, and mean (units of 1/256) and scale index of each
        coded symbol; it writes or reads the symbols and returns them.
        """
        units = quality_units(codes)
        features = self.hyper_synthesis(z_hat * ACTIVATION_ONE, units, exact=True).float()
        height, width = features.shape[2:]
        planes = planes_at(units, (height, width)).float()
        anchors = checkerboard(height, width).flatten()
        passes = anchors.nonzero()[:, 0], (~anchors).nonzero()[:, 0]
        # Integers below 2**24, which float32 holds as well as float64.
        latent = torch.zeros(sum(self.groups), height, width)
        indexes = torch.zeros(latent.shape, dtype=torch.uint8)
        start = 0
        for group, network in zip(self.groups, self.contexts, strict=True):
            channels = slice(start, start + group)
            current = latent[channels]
            shared = torch.cat([features, _as_input(latent[None, :start]), planes], 1)
            context = CheckerboardContext(network, shared, group)
            for stage, positions in enumerate(passes):
                said = context.second(positions, _as_input(current)) if stage else context.first(positions)
                mean, raw = said.chunk(2)
                index = raw.mul_(INDEX_GAIN).div_(ACTIVATION_ONE).add_(INDEX_BIAS + 0.5).floor_()
                index = index.clamp_(0, SCALE_LEVELS - 1)
                indexes[channels].flatten(1)[:, positions] = index.to(torch.uint8)
                # Symbols of the smallest scale are zero in all but five of a million cases: they are not sent.
                mean, index = mean.flatten(), index.flatten()
                coded = index.nonzero()[:, 0]
                mean[coded] += exchange(channels, positions, coded, mean[coded], index[coded]) * ACTIVATION_ONE
                current.flatten(1)[:, positions] = mean.view(group, -1).float()
            start += group
        return latent[None], indexes[None]

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

        def write(channels: slice, positions: Tensor, coded: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            def of_coded(values: Tensor) -> Tensor:
                return values[0, channels].flatten(1)[:, positions].flatten()[coded]

            values = of_coded(y) - mean / ACTIVATION_ONE
            if worth is None:
                symbols = torch.round(values)
            else:
                symbols = rate_distortion_round(values, scale_table()[index.long()], of_coded(worth))
            symbols = symbols.clamp(-SYMBOL_MAX, SYMBOL_MAX)
            writer.write(symbols, index)
            return symbols

        self._code_latent(z_hat, codes, write)

    @torch.no_grad()
    def read(self, reader: SymbolReader, codes: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """The latent in units of 1/256 of a quantisation step: integers in float32 ``(1, channels, height, width)``;
        and the indexes in `scale_table` of the scales that it was coded with, uint8 of the same shape.

        Raises:
            StreamError: these are not the symbols that `write` made for this quality map and size.
        """
        z_indexes = self._z_indexes(codes, height // 4, width // 4)
        z_hat = reader.read(z_indexes).view(1, self.hyper_channels, height // 4, width // 4)

        def read(channels: slice, positions: Tensor, coded: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            return reader.read(index)

        return self._code_latent(z_hat, codes, read)


def _as_input(latent: Tensor) -> Tensor:
    """Of the context networks: integers divided by `INPUT_SHIFT` and rounded."""
    return torch.floor(latent / INPUT_SHIFT + 0.5)
