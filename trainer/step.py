"""One step of training: loss, gradients, AdamW."""

# B sequences, T tokens, D model

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainer.data import Batch
from trainer.layout import Layout
from trainer.losses import next_token_loss
from trainer.model import Hybrid, is_matrix
from trainer.settings import Settings
from trainer.world import World, whole

Loss = Callable[..., Tensor]  # of the inputs of a batch, summed over all targets


class NextToken(nn.Module):
    """The loss of a language model, as a module, for that is what processes share."""

    def __init__(self, model: Hybrid) -> None:
        super().__init__()
        self.hybrid = model

    def forward(self, tokens_BT: Tensor, labels_BT: Tensor, documents_BT: Tensor) -> Tensor:
        """Return the cross-entropy in nats, summed over all targets."""
        return loss_sum(self.hybrid, tokens_BT, labels_BT, documents_BT)


def train_step(
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    settings: Settings,
    rate: float,
    world: World | None = None,
) -> tuple[float, float]:
    """Make one step; return the loss for each target and the norm of the gradients, of all processes together.

    Where these are no numbers, nothing is changed.
    """
    world = world or World()
    weights = [one for group in optimizer.param_groups for one in group["params"]]
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    targets = max(1.0, world.sum(batch.targets))
    total = 0.0
    device, narrow = weights[0].device, settings.precision == "bf16"
    parts = max(1, settings.micro_batches // world.ranks)
    for part in range(parts):
        # Strided, as a batch is dealt out among processes: two parts of one add up as the halves of two do, to the bit.
        inputs = [tensor[part::parts].to(device) for tensor in batch.inputs]
        with world.gathering(loss, last=part == parts - 1):
            with torch.autocast(device.type, torch.bfloat16, enabled=narrow):
                found = loss(*inputs)
            torch.autograd.backward(found * (world.ranks / targets))  # processes take the mean
            total += found.item()
    norm = float(whole(nn.utils.clip_grad_norm_(weights, settings.clip)))
    mean = world.sum(total) / targets
    if math.isfinite(mean) and math.isfinite(norm):
        optimizer.step()
    return mean, norm


def loss_sum(model: Hybrid, tokens_BT: Tensor, labels_BT: Tensor, documents_BT: Tensor) -> Tensor:
    """Return the cross-entropy in nats, summed over all targets."""
    hidden_BTD = model.model(tokens_BT, Layout(documents_BT))
    return next_token_loss(hidden_BTD.flatten(0, 1), model.lm_head.weight, labels_BT.flatten())


def make_optimizer(model: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices only: not on norms, biases, A_log, D and dt_bias."""
    weights = [(is_matrix(name, weights), weights) for name, weights in model.named_parameters()]
    groups = [
        {"params": [one for matrix, one in weights if matrix], "weight_decay": settings.weight_decay},
        {"params": [one for matrix, one in weights if not matrix], "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, eps=settings.epsilon, fused=True)
