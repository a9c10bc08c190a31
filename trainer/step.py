"""One step of training: loss, gradients, AdamW."""

# B sequences, T tokens, D model

import math

import torch
from torch import Tensor, nn

from trainer.data import Batch
from trainer.layout import Layout
from trainer.losses import IGNORE, next_token_loss
from trainer.model import Hybrid, is_matrix
from trainer.settings import Settings


def train_step(
    model: Hybrid, optimizer: torch.optim.Optimizer, batch: Batch, settings: Settings, rate: float
) -> tuple[float, float]:
    """Make one step; return the loss and the norm of the gradients. Where these are no numbers, nothing is changed."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    targets = max(1, int((batch.labels != IGNORE).sum()))
    total = 0.0
    parts = [torch.chunk(tensor, settings.micro_batches) for tensor in (batch.tokens, batch.labels, batch.documents)]
    for tokens, labels, documents in zip(*parts, strict=True):
        loss = loss_sum(model, tokens, labels, documents) / targets
        torch.autograd.backward(loss)
        total += loss.item()
    norm = float(nn.utils.clip_grad_norm_(model.parameters(), settings.clip))
    if math.isfinite(total) and math.isfinite(norm):
        optimizer.step()
    return total, norm


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
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2), fused=True)
