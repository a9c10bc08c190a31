"""Checkpoints that no training step made: grown, pruned. They are started from like any other."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from manifests.store import Store
from manifests.tokens import Tokenizer
from trainer.checkpoint import Checkpoint, Job, only_writer, write_checkpoint
from trainer.config import Config
from trainer.data import State
from trainer.importer import Imported
from trainer.settings import Settings


def write_derived(
    store: Store,
    origin: Checkpoint | Imported,
    folder: Path,
    config: Config,
    weights: Mapping[str, Tensor],
    made_by: Mapping[str, Any],
) -> Checkpoint:
    """Write weights as step 0 in the folder of a run; its record names the digest of what they were made of.

    The tokenizer of a model that others trained goes into the store. Raises StoreFailed, Conflict.
    """
    if isinstance(origin, Imported):
        tokenizer = Tokenizer(origin.tokenizer.read_bytes()).save(store) if origin.tokenizer else ""
        job = Job({}, tokenizer, config, Settings(steps=1), origin.weights_digest)
    else:
        job = replace(origin.job, config=config, start=origin.weights_digest)
    whole = {name: value.float().contiguous() for name, value in weights.items()}
    made_of = {"weights": origin.weights_digest} | dict(made_by)
    with only_writer(folder):
        return write_checkpoint(folder / "step-00000000", job, State(), whole, {}, [], [made_of])
