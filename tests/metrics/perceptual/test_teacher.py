"""LPIPS as a loss."""

import lpips
import torch

from pipeline.metrics.perceptual.teacher import Teacher


def test_a_teacher_leaves_the_network_that_others_share_alone() -> None:
    network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    before = [(value.requires_grad, value.device, value.stride()) for value in network.parameters()]
    Teacher(network).scaled(torch.empty(1, 3, 64, 64, device="meta"))
    assert [(value.requires_grad, value.device, value.stride()) for value in network.parameters()] == before
