"""Learning from a larger model's predictions: the divergence of the student's from the teacher's, by its top tokens.

PLaMo 2.1 8B learnt from the top 128 of PLaMo 2 31B (arXiv:2509.04897, section 2.3.2). What is done with the rest is not
published. With 128 of 1,000 tokens that hold .907 of the teacher's mass, a student's whole divergence ended at .063
with one bucket for the rest, .23 with the teacher's top as if it were all, .79 with both cut to the top.
"""

# M tokens of all sequences, D model, V vocabulary, K top tokens of the teacher

from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recomputed

from trainer.layout import Layout
from trainer.losses import BLOCK_ROWS, IGNORE, next_token_loss
from trainer.model import Hybrid
from trainer.products import linear

Rest: TypeAlias = Literal["bucket", "teacher", "both"]
TOP = 128


def divergence(logits_MV: Tensor, top_MK: Tensor, log_probs_MK: Tensor, rest: Rest = "bucket") -> Tensor:
    """Return KL(teacher || student) of each token, [M], in nats, by the teacher's log-probabilities of its top tokens.

    The tokens below the top: `bucket` counts them as one; `teacher` takes the top for all that the teacher says;
    `both` compares what the two say within the top.
    """
    logits_MV, log_probs_MK = logits_MV.float(), log_probs_MK.float()
    logits_MK = logits_MV.gather(1, top_MK)
    all_M1 = logits_MV.logsumexp(-1, keepdim=True)
    if rest == "bucket":
        student_MK = logits_MK - all_M1
        others_M = logits_MV.scatter(1, top_MK, -torch.inf).logsumexp(-1) - all_M1[:, 0]
        tail_M = (1 - log_probs_MK.exp().sum(-1)).clamp_min(0)
        counted_M = (tail_M > 1e-6) & others_M.isfinite()  # below, rounding decides
        log_ratio_M = tail_M.clamp_min(1e-6).log() - torch.where(counted_M, others_M, 0.0)
        below_M = torch.where(counted_M, tail_M * log_ratio_M, 0.0)
    else:
        log_probs_MK = log_probs_MK.log_softmax(-1)
        student_MK = logits_MK.log_softmax(-1) if rest == "both" else logits_MK - all_M1
        below_M = torch.zeros_like(all_M1[:, 0])
    return (log_probs_MK.exp() * (log_probs_MK - student_MK)).sum(-1) + below_M


class Distilled(nn.Module):
    """The loss of a student, for `TaughtBatch`es; `own` is the share of the next token's own loss in it."""

    def __init__(self, model: Hybrid, rest: Rest = "bucket", own: float = 0.0) -> None:
        super().__init__()
        self.hybrid, self.rest, self.own = model, rest, own

    def forward(
        self, tokens_BT: Tensor, labels_BT: Tensor, documents_BT: Tensor, top_BTK: Tensor, log_probs_BTK: Tensor
    ) -> Tensor:
        """Return the loss in nats, summed over all targets."""
        hidden_MD = self.hybrid.model(tokens_BT, Layout(documents_BT)).flatten(0, 1)
        output_VD, labels_M = self.hybrid.lm_head.weight, labels_BT.flatten()
        targets = (labels_M != IGNORE).nonzero()[:, 0]
        top_MK, log_probs_MK = top_BTK.flatten(0, 1), log_probs_BTK.flatten(0, 1)
        total: Tensor = 0 * hidden_MD.sum()
        for block in torch.split(targets, BLOCK_ROWS):
            given = (hidden_MD[block], output_VD, top_MK[block], log_probs_MK[block], self.rest)
            total = total + cast("Tensor", recomputed(_block, *given, use_reentrant=False))
        if not self.own:
            return total
        return (1 - self.own) * total + self.own * next_token_loss(hidden_MD, output_VD, labels_M)


def _block(hidden_MD: Tensor, output_VD: Tensor, top_MK: Tensor, log_probs_MK: Tensor, rest: Rest) -> Tensor:
    return divergence(linear(hidden_MD, output_VD), top_MK.long(), log_probs_MK, rest).sum()
