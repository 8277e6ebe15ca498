"""Where the noisy residuals of a painter's training begin: on the states that its sampler visits."""

from enum import IntEnum


class Start(IntEnum):
    """What a noisy residual holds beside the noise."""

    PAINTED = 0
    """The painter's own answer to the noise alone, as in the second step of sampling."""
    DECODED = 1
    """Nothing, as where sampling starts below noise level 1, from the decoded picture."""
    TRUE = 2
    """The true residual, as diffusion models are usually trained; sampling never meets it."""
