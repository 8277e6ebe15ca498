"""Exact convolutions: integers in, the same integers out, whatever computes them."""

import pytest
import torch

from pipeline.entropy.context import CheckerboardContext
from pipeline.entropy.fixed_point import ACTIVATION_ONE, FixedPointConv2d, FixedPointStack
from pipeline.entropy.network import checkerboard
from pipeline.evaluation.robustness import computing


def _integers(*shape: int) -> torch.Tensor:
    return torch.randint(-(2**18), 2**18, shape, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize(("kernel", "size"), [(1, (5, 7)), (3, (1, 1)), (3, (9, 4)), (5, (6, 6))])
def test_exact_equals_float_forward(kernel: int, size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    layer = FixedPointConv2d(6, 4, kernel)
    x = torch.randint(-2000, 2000, (1, 6, *size)).double()
    exact = layer.exact(x) / ACTIVATION_ONE
    assert exact.shape == (1, 4, *size)
    torch.testing.assert_close(layer(x.float() / ACTIVATION_ONE).double(), exact, atol=1.5 / ACTIVATION_ONE, rtol=1e-5)


def test_same_integers_under_every_setting() -> None:
    torch.manual_seed(2)
    stack = FixedPointStack(FixedPointConv2d(64, 32, 3), FixedPointConv2d(32, 16, 1))
    x = _integers(1, 64, 17, 23)
    reference = stack.exact(x)
    assert torch.equal(reference, reference.round())
    for threads in (1, 2):
        for bf16 in (False, True):
            for onednn in (False, True):
                with computing(threads, bf16, onednn):
                    assert torch.equal(stack.exact(x), reference)


def test_checkerboard_passes_equal_the_whole_stack() -> None:
    torch.manual_seed(4)
    known, group = 5, 3
    stack = FixedPointStack(
        FixedPointConv2d(known + group + 2, 8, 3), FixedPointConv2d(8, 8, 1), FixedPointConv2d(8, 2 * group, 1)
    )
    shared, current = _integers(1, known + 1, 6, 8), _integers(1, group, 6, 8)
    anchors = checkerboard(6, 8)
    context = CheckerboardContext(stack, shared.float(), group)

    def whole(coded: torch.Tensor, stage: int) -> torch.Tensor:
        plane = torch.full((1, 1, 6, 8), float(stage * ACTIVATION_ONE)).double()
        return stack.exact(torch.cat([shared[:, :-1], coded, shared[:, -1:], plane], 1))[0]

    first, second = (mask.flatten().nonzero()[:, 0] for mask in (anchors, ~anchors))
    assert torch.equal(context.first(first), whole(torch.zeros_like(current), 0).flatten(1)[:, first])
    said = context.second(second, (current * anchors)[0].float())
    assert torch.equal(said, whole(current * anchors, 1).flatten(1)[:, second])


def test_order_of_channels_does_not_matter() -> None:
    torch.manual_seed(3)
    layer = FixedPointConv2d(48, 8, 3)
    x = _integers(1, 48, 8, 8)
    order = torch.randperm(48)
    shuffled = FixedPointConv2d(48, 8, 3)
    shuffled.load_state_dict({"weight": layer.weight[:, order], "bias": layer.bias})
    assert torch.equal(layer.exact(x), shuffled.exact(x[:, order]))


def test_strips_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = FixedPointConv2d(6, 4, 3)
    x = _integers(1, 6, 13, 5)
    whole = layer.exact(x)
    monkeypatch.setattr("pipeline.entropy.fixed_point._STRIP_ELEMENTS", 6 * 9 * 5 * 4)
    assert torch.equal(layer.exact(x), whole)


def test_fan_in_that_could_overflow_is_refused() -> None:
    with pytest.raises(ValueError, match="fan-in"):
        FixedPointConv2d(2**16, 1, 5)
