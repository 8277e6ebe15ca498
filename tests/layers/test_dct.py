"""The way back from the coefficients of the block DCT."""

import torch
import torch.nn.functional as F

from pipeline.layers.dct import dct_basis, picture_of


def test_a_picture_of_coefficients_is_the_transposed_transform() -> None:
    basis = dct_basis(8, 20, 6)
    coefficients = torch.randn(2, 32, 5, 3, generator=torch.Generator().manual_seed(0))
    picture = picture_of(coefficients, basis)
    torch.testing.assert_close(picture, F.conv_transpose2d(coefficients, basis, stride=8))
    torch.testing.assert_close(F.conv2d(picture, basis, stride=8), coefficients, atol=1e-5, rtol=1e-5)
