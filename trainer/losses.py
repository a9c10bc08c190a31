"""Cross-entropy of a language model, without ever holding the logits of a whole batch.

The output layer of a small model is a third of its work, and its logits are the largest tensor of a step: 67 MB for
2,048 tokens and a vocabulary of 8,192. Here they live for a block of rows at a time, and the gradients are taken at
once, while the block is in the cache.
"""

# M tokens of all sequences, D model, V vocabulary

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainer.precision import reduced
from trainer.products import product

IGNORE = -100  # a label that the loss leaves out
BLOCK_ROWS = 256


def next_token_loss(hidden_MD: Tensor, output_VD: Tensor, labels_M: Tensor) -> Tensor:
    """Return the cross-entropy in nats, summed over all labels that are not IGNORE."""
    targets = (labels_M != IGNORE).nonzero()[:, 0]
    hidden_MD, output_VD = reduced(hidden_MD[targets], output_VD)
    with torch.autocast(hidden_MD.device.type, enabled=False):
        loss: Tensor = _BlockedLoss.apply(hidden_MD, output_VD, labels_M[targets])  # type: ignore[no-untyped-call]
    return loss


def next_token_loss_ref(hidden_MD: Tensor, output_VD: Tensor, labels_M: Tensor) -> Tensor:
    """Return what `next_token_loss` returns, from all logits at once."""
    return cross_entropy(hidden_MD @ output_VD.T, labels_M, ignore_index=IGNORE, reduction="sum")


class _BlockedLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_MD: Tensor, output_VD: Tensor, labels_M: Tensor) -> Tensor:
        wanted = any(ctx.needs_input_grad)
        exact = torch.promote_types(hidden_MD.dtype, torch.float32)  # in which logits are weighed and gradients summed
        d_hidden_MD = torch.empty_like(hidden_MD)
        d_output_VD = torch.zeros_like(output_VD, dtype=exact)
        loss = hidden_MD.new_zeros((), dtype=exact)
        for start in range(0, len(labels_M), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            labels_M1 = labels_M[block, None]
            logits_MV = product(hidden_MD[block], output_VD).to(exact)
            shares_MV = logits_MV.softmax(-1)
            # The largest share is 1 / sum(exp(logits - largest)): no second pass of exponentials for the sum.
            total_M1 = logits_MV.amax(-1, keepdim=True) - shares_MV.amax(-1, keepdim=True).log()
            loss += (total_M1 - logits_MV.gather(1, labels_M1)).sum()
            if wanted:
                d_logits_MV = shares_MV.scatter_add_(1, labels_M1, torch.full_like(total_M1, -1.0))
                d_logits_MV = d_logits_MV.to(hidden_MD.dtype)
                d_hidden_MD[block] = product(d_logits_MV, output_VD.T)
                if exact == hidden_MD.dtype:
                    d_output_VD.addmm_(d_logits_MV.T, hidden_MD[block])
                else:
                    d_output_VD += d_logits_MV.T @ hidden_MD[block]
        ctx.save_for_backward(d_hidden_MD, d_output_VD)
        ctx.narrow = output_VD.dtype
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        d_hidden_MD, d_output_VD = ctx.saved_tensors
        return (d_hidden_MD * gradients[0]).to(ctx.narrow), (d_output_VD * gradients[0]).to(ctx.narrow), None
