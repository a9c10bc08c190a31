"""How probable a model finds texts: log-probabilities of single tokens, and of the documents of a packed batch."""

# B sequences, T tokens, M tokens of all sequences, D model, V vocabulary, N documents

from typing import cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint as recomputed

from trainer.layout import Layout
from trainer.losses import BLOCK_ROWS, IGNORE
from trainer.model import Hybrid
from trainer.products import linear


def token_log_probs(hidden_MD: Tensor, output_VD: Tensor, labels_M: Tensor) -> Tensor:
    """Return the log-probability of each label, [M], float32 and in nats; 0 where the label is IGNORE.

    Logits live for a block of rows at a time and are computed again on the way back.
    """
    targets = (labels_M != IGNORE).nonzero()[:, 0]
    found_M = torch.zeros(labels_M.shape, dtype=torch.float32, device=hidden_MD.device)
    parts = [
        cast("Tensor", recomputed(_block, hidden_MD[block], output_VD, labels_M[block], use_reentrant=False))
        for block in torch.split(targets, BLOCK_ROWS)
        if len(block)
    ]
    return found_M.index_put((targets,), torch.cat(parts)) if parts else found_M + 0 * hidden_MD.sum()


def document_log_probs(
    model: Hybrid, tokens_BT: Tensor, labels_BT: Tensor, documents_BT: Tensor, numbers_N: Tensor
) -> Tensor:
    """Return the log-probability of the labels of each document, [N], in a packed batch.

    `numbers_N` are numbers of documents in rising order; each must be in the batch once.
    """
    hidden_BTD = model.model(tokens_BT, Layout(documents_BT))
    found_M = token_log_probs(hidden_BTD.flatten(0, 1), model.lm_head.weight, labels_BT.flatten())
    return by_document(found_M, documents_BT.flatten(), numbers_N)


def by_document(values_M: Tensor, documents_M: Tensor, numbers_N: Tensor) -> Tensor:
    """Return the sums of values over the documents with these numbers, [N]; others are left out."""
    places_M = torch.searchsorted(numbers_N, documents_M.contiguous()).clamp_max(len(numbers_N) - 1)
    counted_M = torch.where(numbers_N[places_M] == documents_M, values_M, 0)
    return torch.zeros(len(numbers_N), dtype=values_M.dtype, device=values_M.device).index_add(0, places_M, counted_M)


def _block(hidden_MD: Tensor, output_VD: Tensor, labels_M: Tensor) -> Tensor:
    logits_MV = linear(hidden_MD, output_VD).float()
    found_M: Tensor = logits_MV.log_softmax(-1).gather(1, labels_M[:, None])[:, 0]
    return found_M
