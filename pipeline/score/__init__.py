"""Stage 2: the score-based decoders, which paint detail back and cost no bits."""

from pipeline.score.decoder import SampleStep, ScoreDecoder
from pipeline.score.diffusion import DiffusionDecoder
from pipeline.score.flow import FlowDecoder
from pipeline.score.scale import ResidualScale

__all__ = ["DiffusionDecoder", "FlowDecoder", "ResidualScale", "SampleStep", "ScoreDecoder"]
