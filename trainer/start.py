"""What a training may take its first weights from: a checkpoint, a run, or a model that others trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from manifests.errors import BadRecipe
from trainer.checkpoint import RECORD, Checkpoint, checkpoint_at
from trainer.config import Config
from trainer.importer import Imported, import_model

MAY_CHANGE = frozenset({"window", "rope_theta"})  # without another number of weights


def start_at(path: Path) -> Checkpoint | Imported:
    """Return what lies at a path. Raises NotFound, Damaged, BadSource."""
    if (path / "config.json").exists() and not (path / RECORD).exists():
        return import_model(path)
    return checkpoint_at(path)


def shape_of(start: Checkpoint | Imported) -> Config:
    """Return the shape of its model."""
    return start.config if isinstance(start, Imported) else start.job.config


def tokenizer_of(start: Checkpoint | Imported) -> str | None:
    """Return its tokenizer as `tokenised` takes one: a digest or a file; None where it has none that koba reads."""
    if isinstance(start, Imported):
        return str(start.tokenizer) if start.tokenizer else None
    return start.job.tokenizer


def changed_shape(start: Checkpoint | Imported, wanted: dict[str, Any]) -> Config:
    """Return the shape of `start` with what the user asked for. Raises BadRecipe for what its weights do not fit."""
    shape = shape_of(start)
    for name, value in wanted.items():
        if name not in MAY_CHANGE and getattr(shape, name) != value:
            raise BadRecipe(
                f"{name} {value}: the model at {start.path} has {getattr(shape, name)}; only "
                f"{' and '.join(sorted(MAY_CHANGE))} may differ from it"
            )
    return replace(shape, **{name: value for name, value in wanted.items() if name in MAY_CHANGE})
