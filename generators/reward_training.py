"""A reward head from a dataset of pairs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from generators.reward_features import Features
from generators.reward_head import save_head, train_head
from manifests.artifact import checkout, resolve
from manifests.errors import BadRecipe
from manifests.rows import Preference
from manifests.store import Store
from manifests.view import View


class Trained(NamedTuple):
    """What a head learnt from."""

    pairs: int
    right: float  # share of these pairs whose chosen reply has the higher reward


def trained(store: Store, pairs: str, encoder: str, folder: Path, *, length: bool, penalty: float) -> Trained:
    """Learn from a dataset of pairs, write head and encoder into a folder. Raises BadRecipe where it has no pairs."""
    manifest = store.manifest(pairs)
    if manifest.kind != Preference.kind or not manifest.rows:
        raise BadRecipe(f"{pairs}: {manifest.rows:,} rows of kind {manifest.kind}; expected pairs, 1 or more")
    read = checkout(store, resolve(store, encoder))
    features = Features(read, length=length)
    rows = [row for row in View(store, manifest) if isinstance(row, Preference)]
    better = np.array([features.of((*row.prompt, *row.chosen)) for row in rows])
    worse = np.array([features.of((*row.prompt, *row.rejected)) for row in rows])
    head = train_head(better, worse, penalty)
    save_head(head, read, folder, length=length)
    return Trained(len(rows), float((head.rewards(better) > head.rewards(worse)).mean()))
