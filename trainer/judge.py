"""What a small model makes of texts it never saw: its loss, by source and domain, and a simple task.

The task: of four endings of a text, one of which is its own, the model is to find the likeliest. By chance it finds one
in four.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from manifests.ledger import domains
from manifests.manifest import Manifest
from manifests.rows import Tokens
from manifests.store import Store
from manifests.view import View
from trainer.held_out import smallest
from trainer.layout import Layout
from trainer.losses import IGNORE, next_token_loss
from trainer.model import Hybrid

# B sequences, T tokens, D model

MOST_ROWS = 200  # of a set: enough for an error of the mean of a few hundredths
BATCH = 16
CONTEXT, ENDING, CHOICES = 48, 16, 4  # tokens, tokens, endings
LEAST_ROWS = 10  # of a group, for its loss to be told
MOST_GROUPS = 8


@dataclass(frozen=True)
class Judged:
    """A set of texts, as rows of tokens with the groups that each is in."""

    name: str
    rows: tuple[tuple[int, ...], ...]
    groups: tuple[tuple[str, ...], ...]  # "source: web", "domain: example.org", "language: ja"


def read_judged(store: Store, manifest: Manifest, name: str, most: int = MOST_ROWS) -> Judged:
    """Return so many rows by chance of a dataset of tokens; those of one token have nothing to be judged by."""
    rows = [row for row in View(store, manifest) if isinstance(row, Tokens) and len(row.input_ids) > 1]
    chosen = [rows[place] for place in smallest([row.id for row in rows], most, 0)]
    hosts = domains([row.url for row in chosen]).to_pylist()
    groups = [
        tuple(
            f"{kind}: {value}"
            for kind, value in (("source", row.source), ("domain", host), ("language", row.language))
            if value
        )
        for row, host in zip(chosen, hosts, strict=True)
    ]
    return Judged(name, tuple(row.input_ids for row in chosen), tuple(groups))


@torch.no_grad()
def measure(model: Hybrid, judged: Judged, length: int) -> dict[str, float]:
    """Return the loss in nats per token on a set and on its larger groups, and the share of endings that were found.

    Of a row the first `length` tokens count.
    """
    model.eval()
    rows = [row[:length] for row in judged.rows]
    sums = [loss for batch in _batches(rows) for loss in losses(model, batch, [1] * len(batch))]
    sizes = [len(row) - 1 for row in rows]
    found = {"loss": sum(sums) / max(1, sum(sizes))}
    for group in _larger(judged):
        its = [place for place, groups in enumerate(judged.groups) if group in groups]
        found[f"loss, {group}"] = sum(sums[place] for place in its) / sum(sizes[place] for place in its)
    asked = [row[: CONTEXT + ENDING] for row in judged.rows if len(row) >= CONTEXT + ENDING]
    if len(asked) >= CHOICES:
        found["endings found"] = _endings(model, asked)
    return found


def losses(model: Hybrid, rows: Sequence[Sequence[int]], begins: Sequence[int]) -> list[float]:
    """Return the cross-entropy in nats of each row, summed over its tokens from the place `begins` on."""
    longest = max(map(len, rows))
    tokens_BT = torch.zeros((len(rows), longest), dtype=torch.int64)
    labels_BT = torch.full((len(rows), longest), IGNORE, dtype=torch.int64)
    documents_BT = torch.ones((len(rows), longest), dtype=torch.int32)  # padding is a document of its own
    for line, (row, begin) in enumerate(zip(rows, begins, strict=True)):
        ids: Tensor = torch.tensor(row)
        tokens_BT[line, : len(row)] = ids
        labels_BT[line, begin - 1 : len(row) - 1] = ids[begin:]
        documents_BT[line, : len(row)] = 0
    hidden_BTD = model.model(tokens_BT, Layout(documents_BT))
    output_VD = model.lm_head.weight
    return [float(next_token_loss(hidden_BTD[line], output_VD, labels_BT[line])) for line in range(len(rows))]


def _endings(model: Hybrid, rows: Sequence[Sequence[int]]) -> float:
    """Return the share of rows whose own ending is likelier than those of the three rows behind it."""
    offered = [
        [*row[:CONTEXT], *rows[(place + other) % len(rows)][CONTEXT:]]
        for place, row in enumerate(rows)
        for other in range(CHOICES)
    ]
    sums = [loss for batch in _batches(offered) for loss in losses(model, batch, [CONTEXT] * len(batch))]
    return float((np.array(sums).reshape(-1, CHOICES).argmin(axis=1) == 0).mean())


def _larger(judged: Judged) -> list[str]:
    """Return the groups of a set that are neither all of it nor too few rows, the largest first."""
    counts: Counter[str] = Counter(group for groups in judged.groups for group in groups)
    by_kind: Mapping[str, list[str]] = defaultdict(list)
    for group, rows in counts.most_common():
        if LEAST_ROWS <= rows < len(judged.rows):
            by_kind[group.partition(":")[0]].append(group)
    return [group for groups in by_kind.values() for group in groups[:MOST_GROUPS]]


def _batches(rows: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
