"""The entropy model: a hyperprior with space-channel context, exact by construction.

    y --hyper_analysis--> z --round--> z_hat --hyper_synthesis--> features --+
                                                                            v
    groups of y, low to high frequency, each in two checkerboard passes: context --> mean, scale --> symbols

Everything the decoder computes before the symbols are known runs in the fixed-point arithmetic of
`pipeline.entropy.fixed_point`, so the decoded latent is identical on every machine. Coding runs on the CPU, where
the range coder is; keep this module there when the transforms move to a GPU. The design follows the space-channel
context of ELIC (He et al. 2022, arXiv 2203.10886) at reduced width.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from compressai.entropy_models import GaussianConditional
from compressai.ops import LowerBound
from torch import Tensor, nn

from pipeline.entropy.coder import SYMBOL_MAX, CodingTables, SymbolReader, SymbolWriter
from pipeline.entropy.fixed_point import ACTIVATION_ONE, FixedPointConv2d, FixedPointStack, round_ste
from pipeline.entropy.planes import planes_at, quality_units
from pipeline.entropy.rounding import LIKELIHOOD_MIN, rate_distortion_round, symbol_bits
from pipeline.entropy.scales import SCALE_LEVELS, SCALE_MAX, SCALE_MIN, scale_table
from pipeline.layers.quality import Knots
from pipeline.stream import QUALITY_STEPS
from pipeline.tiles import map_tiles

_INPUT_SHIFT = 8
"""Latents enter the context networks divided by this, to sit near one."""
_TABLE_WIDTH = 1600
"""Room for the widest distribution: SCALE_MAX times 6.1 on both sides at a tail mass of 1e-9."""
_WINDOW = 64
"""Positions a side of the windows in which the context networks run: their maps are to fit into the cache."""
_INDEX_GAIN = 8
_INDEX_BIAS = 20


@dataclass(frozen=True)
class RateEstimate:
    """Training-time output: the latent with rounding in the loop, and estimated bits of each sample ``(batch,)``."""

    y_hat: Tensor
    bits: Tensor


Exchange = Callable[[slice, Tensor, Tensor, Tensor], Tensor]
"""One coding pass of `EntropyModel`: channels, mask of coded symbols, their means and scale indexes => symbols."""


def _checkerboard(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """``(1, 1, height, width)`` of 1 at anchors, 0 elsewhere."""
    rows = torch.arange(height, device=device)[:, None] + torch.arange(width, device=device)[None]
    return (rows % 2 == 0)[None, None]


class EntropyModel(nn.Module):
    """Rate model of the latent ``y`` ``(batch, sum(groups), height, width)`` in units of the quantisation step."""

    def __init__(
        self, groups: tuple[int, ...], hyper_channels: int, feature_channels: int, context_channels: int, knots: int
    ):
        super().__init__()
        self.groups = groups
        self.hyper_channels = hyper_channels
        channels = sum(groups)
        width = 2 * feature_channels
        self.hyper_analysis = nn.Sequential(
            nn.Conv2d(channels + 1, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, hyper_channels, 5, stride=2, padding=2),
        )
        self.hyper_up1 = FixedPointConv2d(hyper_channels + 1, 4 * width, 3)
        self.hyper_up2 = FixedPointConv2d(width + 1, 4 * feature_channels, 3)
        self.context = nn.ModuleList(
            FixedPointStack(
                FixedPointConv2d(feature_channels + 2 + sum(groups[: i + 1]), context_channels, 3),
                FixedPointConv2d(context_channels, context_channels, 1),
                FixedPointConv2d(context_channels, 2 * group, 1),
            )
            for i, group in enumerate(groups)
        )
        for i, (group, context) in enumerate(zip(groups, self.context, strict=True)):
            # A start near the truth: the scale falls from about 6 steps at low frequencies to 0.3 at high ones.
            nn.init.constant_(context[-1].bias[group:], (16 - 9 * i) / _INDEX_GAIN)
        self.z_index = Knots(torch.full((knots, hyper_channels), 24.0))
        self.gaussian = GaussianConditional(None, scale_bound=SCALE_MIN)
        self._index_floor = LowerBound(0)
        # The range-coder tables are part of the checkpoint: computing them again could round differently elsewhere.
        self.register_buffer("cdf", torch.zeros(SCALE_LEVELS, _TABLE_WIDTH, dtype=torch.int32))
        self.register_buffer("cdf_size", torch.zeros(SCALE_LEVELS, dtype=torch.int32))
        self.register_buffer("cdf_offset", torch.zeros(SCALE_LEVELS, dtype=torch.int32))

    # -- training -----------------------------------------------------------------------------------------------

    def forward(self, y: Tensor, quality: Tensor, weights: Tensor | None = None) -> RateEstimate:
        """Rounded latent with straight-through gradients, and the estimated bits.

        ``y`` is ``(batch, channels, height, width)`` in quantisation steps, ``quality`` a quality map. With
        ``weights``, which broadcast to the shape of ``y``, the latent is rounded as by `write`, and the bits are those
        of the rounded latent; without, in training, those of a latent with additive noise.
        """
        batch, _, height, width = y.shape
        units = torch.round(quality.float() * ACTIVATION_ONE)
        plane = planes_at(units, (height, width)).expand(batch, -1, -1, -1) / ACTIVATION_ONE
        z = self.hyper_analysis(torch.cat([y, plane], 1))
        z = z.float()
        z_index = self.z_index(planes_at(units, z.shape[2:]) / ACTIVATION_ONE)
        bits = self._bits(z, torch.zeros_like(z), z_index.expand_as(z))
        features = self._hyper_synthesis(round_ste(z), units, exact=False)

        anchors = _checkerboard(height, width, y.device)
        worth = [None] * len(self.groups) if weights is None else weights.expand_as(y).split(self.groups, 1)
        decoded: list[Tensor] = []
        for context, target, weight in zip(self.context, y.split(self.groups, 1), worth, strict=True):
            shared = torch.cat([features, *decoded], 1)
            mean, index = self._predict(context, shared, torch.zeros_like(target), plane, 0.0)
            first, spent = self._coded(target, mean, index, anchors, weight)
            bits = bits + spent
            mean, index = self._predict(context, shared, first * anchors / _INPUT_SHIFT, plane, 1.0)
            second, spent = self._coded(target, mean, index, ~anchors, weight)
            bits = bits + spent
            decoded.append(torch.where(anchors, first, second) / _INPUT_SHIFT)
        return RateEstimate(torch.cat(decoded, 1) * _INPUT_SHIFT, bits)

    def _coded(
        self, target: Tensor, mean: Tensor, index: Tensor, mask: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What is decoded of ``target``, and the bits of the masked part."""
        if weight is None:
            return round_ste(target - mean) + mean, self._bits(target, mean, index, mask)
        values, scales = target - mean, self._scales(index)
        symbols = rate_distortion_round(values, scales, weight)
        bits = (symbol_bits(symbols, scales) * mask).flatten(1).sum(1)
        if self.training:
            # Rounding has no gradient: latent and mean take that of additive noise.
            relaxed = self._bits(target, mean, index.detach(), mask)
            bits = bits + relaxed - relaxed.detach()
        return symbols + mean + target - target.detach(), bits

    def _scales(self, index: Tensor) -> Tensor:
        step = (torch.tensor(SCALE_MAX).log() - torch.tensor(SCALE_MIN).log()) / (SCALE_LEVELS - 1)
        return torch.exp(torch.tensor(SCALE_MIN).log() + self._index_floor(index).clamp(max=SCALE_LEVELS - 1) * step)

    def _bits(self, values: Tensor, means: Tensor, index: Tensor, mask: Tensor | None = None) -> Tensor:
        # Additive noise in training; rounding, as in the stream, in evaluation.
        _, likelihood = self.gaussian(values, self._scales(index), means)
        # compressai's own bound is a buffer, and rounds to zero in an fp16 checkpoint.
        bits = -torch.log2(likelihood.clamp(min=LIKELIHOOD_MIN))
        return (bits if mask is None else bits * mask).flatten(1).sum(1)

    # -- what both sides compute, in float for training or exactly for coding --------------------------------------

    def _hyper_synthesis(self, z_hat: Tensor, units: Tensor, exact: bool) -> Tensor:
        """``units`` is the quality map in units of 1/256: integers."""
        run: Callable = (lambda layer, x: layer.exact(x)) if exact else (lambda layer, x: layer(x))
        one = 1 if exact else ACTIVATION_ONE
        batch = len(z_hat)
        x = torch.cat([z_hat, planes_at(units, z_hat.shape[2:]).expand(batch, -1, -1, -1) / one], 1)
        x = F.relu(F.pixel_shuffle(run(self.hyper_up1, x), 2))
        x = torch.cat([x, planes_at(units, x.shape[2:]).expand(batch, -1, -1, -1) / one], 1)
        return F.relu(F.pixel_shuffle(run(self.hyper_up2, x), 2))

    def _predict(
        self, context: FixedPointStack, shared: Tensor, current: Tensor, plane: Tensor, stage: float
    ) -> tuple[Tensor, Tensor]:
        x = torch.cat([shared, current, plane, torch.full_like(plane, stage)], 1)
        mean, index = context(x).chunk(2, 1)
        return mean, index * _INDEX_GAIN + _INDEX_BIAS

    # -- real streams ---------------------------------------------------------------------------------------------

    @torch.no_grad()
    def update(self) -> None:
        """Builds the integer range-coder tables; called once after training, saved in the checkpoint."""
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
        features = self._hyper_synthesis(z_hat * ACTIVATION_ONE, units, exact=True)
        height, width = features.shape[2:]
        planes = planes_at(units, (height, width))
        anchors = _checkerboard(height, width)
        latent = torch.zeros(1, sum(self.groups), height, width, dtype=torch.float64)
        start = 0
        for group, context in zip(self.groups, self.context, strict=True):
            channels = slice(start, start + group)
            for stage, positions in enumerate((anchors, ~anchors)):
                known = torch.floor(latent[:, : channels.stop] / _INPUT_SHIFT + 0.5)
                x = torch.cat([features, known, planes, torch.full_like(planes, stage * ACTIVATION_ONE)], 1)
                mean, raw = map_tiles(context.exact, (x,), in_steps=(1,), out_step=1, size=_WINDOW, margin=1).chunk(
                    2, 1
                )
                index = torch.floor((raw * _INDEX_GAIN) / ACTIVATION_ONE + _INDEX_BIAS + 0.5)
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
