"""Several processes that train one network: the same weights at the start, the same gradient at every step.

A task calls several networks and several of their methods, which `DistributedDataParallel` does not see; so gradients
are averaged in the open, after the backward pass.
"""

from itertools import chain

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import nn


@torch.no_grad()
def share_weights(model: nn.Module, accelerator: Accelerator) -> None:
    """Gives every process the weights and buffers of the first."""
    if accelerator.num_processes > 1:
        for value in chain(model.parameters(), model.buffers()):
            if value.numel():
                value.copy_(broadcast(value.contiguous()))


@torch.no_grad()
def average_gradients(model: nn.Module, accelerator: Accelerator) -> None:
    """Replaces each gradient by its mean over all processes; one that a loss did not reach counts as zeros."""
    if accelerator.num_processes == 1:
        return
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
    means = accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
    for gradient, mean in zip(gradients, means.split([each.numel() for each in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
