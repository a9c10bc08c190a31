"""A smaller model out of a larger one: what does least is left out (Minitron; PLaMo 2, section 2.3.2).

    made = prune(store, checkpoint, Target(width=192, mlp_width=512), batches, Path("runs/pruned"))

Widths are those of all layers alike; which MLP units and heads stay is chosen in each. The state of Mamba-2 stays as it
is. A pruned model is trained on, best by the larger one's own predictions: see trainer/distil.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manifests.errors import BadRecipe
from manifests.store import Store
from trainer.axes import Places, in_layer, layer_of, reindexed
from trainer.checkpoint import Checkpoint
from trainer.config import Config
from trainer.data import Batch
from trainer.derived import write_derived
from trainer.importance import Importance, importance
from trainer.importer import Imported
from trainer.loop import load_weights
from trainer.model import Hybrid
from trainer.plamo import dt_rank
from trainer.start import shape_of


@dataclass(frozen=True, slots=True)
class Target:
    """What is left of a model; None: all."""

    width: int | None = None
    mlp_width: int | None = None
    heads: int | None = None  # of attention; as many in each group that shares keys
    key_heads: int | None = None
    ssm_heads: int | None = None  # as many in each group that shares B and C
    ssm_head_width: int | None = None
    layers: int | None = None

    def of(self, config: Config) -> dict[str, Any]:
        """Return the widths that are left of a model. Raises BadRecipe where there are more than it has."""
        wanted: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            has = len(config.pattern) if name == "layers" else getattr(config, name)
            value = getattr(self, name)
            wanted[name] = has if value is None else value
            if not 1 <= wanted[name] <= has:
                raise BadRecipe(f"{name} {value}: pruning leaves 1 to {has}, which the model has")
        return wanted


def prune(
    store: Store, origin: Checkpoint | Imported, target: Target, batches: Iterable[Batch], folder: Path
) -> Checkpoint:
    """Write what is left of a model as a checkpoint to start from; `batches` show what its parts do.

    Raises BadRecipe where the shape cannot be.
    """
    model = Hybrid(shape_of(origin))
    load_weights(model, origin)
    weights, config = pruned_weights(dict(model.named_parameters()), model.config, target, importance(model, batches))
    return write_derived(store, origin, folder, config, weights, {"pruned": target.of(model.config)})


@torch.no_grad()
def pruned_weights(
    weights: dict[str, Tensor], old: Config, target: Target, scores: Importance
) -> tuple[dict[str, Tensor], Config]:
    """Return the weights that are left, and their shape. Raises BadRecipe."""
    left = target.of(old)
    layers = _best(torch.tensor(scores.layers), left.pop("layers")).tolist()
    pattern = "".join([old.pattern[layer] for layer in layers])
    config = replace(old, pattern=pattern, head_width=old.attention_head, **left)
    shared = replace(
        Places.same(old), width=_best(scores.width, config.width), rank=torch.arange(dt_rank(config.width))
    )
    made = {name: reindexed(name, value, shared) for name, value in weights.items() if layer_of(name) is None}
    for place, layer in enumerate(layers):
        kept = _kept(old, config, scores, layer, shared)
        for name, value in weights.items():
            if layer_of(name) == layer:
                made[in_layer(name, place)] = reindexed(name, value, kept)
    return made, config


def _kept(old: Config, new: Config, scores: Importance, layer: int, shared: Places) -> Places:
    """Return what is left of one layer."""
    kept = replace(shared, mlp=_best(scores.mlp[layer], new.mlp_width))
    if old.pattern[layer] == "A":
        groups = torch.unflatten(scores.heads[layer], 0, (old.key_heads, -1))
        keys = _best(groups.sum(1), new.key_heads)
        each, before = new.heads // new.key_heads, groups.shape[1]
        if each > before:
            raise BadRecipe(f"{new.heads} heads on {new.key_heads} key heads: the model has {before} to each")
        queries = [int(key) * before + _best(groups[key], each) for key in keys]
        return replace(kept, keys=keys, queries=torch.cat(queries))
    channels = _best(scores.channels[layer].sum(0), new.ssm_head_width)
    groups = torch.unflatten(scores.channels[layer].norm(dim=1), 0, (old.ssm_groups, -1))
    each = new.ssm_heads // new.ssm_groups
    heads = [number * groups.shape[1] + _best(group, each) for number, group in enumerate(groups)]
    return replace(kept, heads=torch.cat(heads), channels=channels)


def _best(scores: Tensor, count: int) -> Tensor:
    """Return the places of the highest scores, in rising order; of equal ones the first."""
    return scores.argsort(descending=True, stable=True)[:count].sort().values
