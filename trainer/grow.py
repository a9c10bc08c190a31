"""A larger model that begins with the weights of a smaller one (PLaMo 2's weight reuse).

    grown = grow(store, checkpoint, replace(checkpoint.job.config, width=512, heads=8, ...), Path("runs/grown"))
    train(store, data, grown.job.config, settings, Path("runs/large"), start=grown)

`preserving` gives the same logits (HyperCloning, Samragh et al. 2024, arXiv:2409.12903): everything is repeated, what
reads it divided by the times, and an added layer adds nothing at first. `tiling` repeats without dividing, and an added
layer is a copy: what Phi-2 is said to have done; the report tells no more.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from manifests.errors import BadRecipe
from manifests.store import Store
from trainer.axes import Places, axes_of, in_layer, layer_of, reindexed
from trainer.checkpoint import Checkpoint
from trainer.config import Config
from trainer.derived import write_derived
from trainer.importer import Imported
from trainer.model import Hybrid, is_matrix
from trainer.plamo import AFTER_MIXER, AFTER_MLP
from trainer.start import shape_of

Way: TypeAlias = Literal["preserving", "tiling"]
GROWS = ("width", "mlp_width", "heads", "key_heads", "ssm_heads")
ADDS = ("out_proj.weight", "o_proj.weight", "output_linear.weight")  # the last of a mixer and of an MLP
OFFSETS = {"post_mixer_norm.weight": AFTER_MIXER, "post_mlp_norm.weight": AFTER_MLP}  # so in PLaMo 2
NOISE = 0.1  # of a weight's standard deviation


def grow(
    store: Store,
    origin: Checkpoint | Imported,
    config: Config,
    folder: Path,
    *,
    way: Way = "preserving",
    noise: float = NOISE,
    seed: int = 0,
) -> Checkpoint:
    """Write a model of the shape `config` with the weights of a smaller one as a checkpoint to start from.

    Raises BadRecipe where the shape cannot be reached.
    """
    weights = grown_weights(origin.weights(), shape_of(origin), config, way=way, noise=noise, seed=seed)
    made_by = {"grown": way, "noise": noise, "seed": seed}
    return write_derived(store, origin, folder, config, weights, made_by)


def grown_weights(
    weights: dict[str, Tensor],
    old: Config,
    new: Config,
    *,
    way: Way = "preserving",
    noise: float = NOISE,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Return the weights of a model of the shape `new`.

    `noise` parts repeated columns from each other, for equal ones have equal gradients and stay equal: in sum it is
    zero for those that read the same number. Raises BadRecipe.
    """
    places, layers, preserving = _places(old, new, way), _layers(old, new, way), way == "preserving"
    draw = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        names = [name for name, _ in Hybrid(new).named_parameters()]
    made: dict[str, Tensor] = {}
    for name in names:
        layer = layer_of(name)
        origin, added = (name, False) if layer is None else (in_layer(name, layers[layer][0]), layers[layer][1])
        value = reindexed(origin, weights[origin].float(), places)
        reads = axes_of(old, name)[1] if is_matrix(name, value) and value.dim() == 2 else ""
        if preserving and reads and "embed_tokens" not in name:
            value = _shared_out(value, places.along(reads), noise, draw)
        if preserving and added:
            value = _silent(name, value)
        made[name] = value
    if preserving and old.tied:
        offset = 1.0 if old.variant == "plamo2" else 0.0
        final = made["model.norm.weight"]
        made["model.norm.weight"] = (final + offset) / (new.width // old.width) - offset
    return made


def _shared_out(value: Tensor, read: Tensor, noise: float, draw: torch.Generator) -> Tensor:
    """Divide each column by the number of columns that read the same old place, and part these by noise."""
    times = torch.bincount(read)
    value = value / times[read]
    if not noise or int(times.max()) == 1:
        return value
    drawn = torch.randn(value.shape, generator=draw) * (noise * value.std())
    sums = torch.zeros(len(value), len(times)).index_add(1, read, drawn)
    return value + drawn - (sums / times)[:, read]


def _silent(name: str, value: Tensor) -> Tensor:
    """Return the weight of a layer that adds nothing: with zeros in its last matrices, or in PLaMo 2's last norms."""
    if name.endswith(ADDS) and "mixer" not in name:
        return torch.zeros_like(value)
    offset = next((offset for end, offset in OFFSETS.items() if name.endswith(end)), None)
    return value if offset is None else torch.full_like(value, -offset)


def _places(old: Config, new: Config, way: Way) -> Places:
    for name in GROWS:
        if getattr(new, name) < getattr(old, name):
            raise BadRecipe(
                f"{name} {getattr(new, name)}: the model has {getattr(old, name)}; growing makes none smaller"
            )
    others = {name: getattr(old, name) for name in (*GROWS, "pattern", "head_width")}
    if replace(new, **others) != old or new.attention_head != old.attention_head:
        raise BadRecipe(
            f"a model that grows keeps all but {', '.join(GROWS)} and its pattern; heads of attention stay "
            f"{old.attention_head} wide: {old} does not become {new}"
        )
    if new.heads // new.key_heads < old.heads // old.key_heads:
        raise BadRecipe(f"{new.heads} heads on {new.key_heads} key heads: the model has more to each")
    same = Places.same(old)
    to_key, in_group = new.heads // new.key_heads, new.ssm_heads // new.ssm_groups
    keys = torch.arange(new.key_heads) % old.key_heads
    group, place = torch.arange(new.ssm_heads) // in_group, torch.arange(new.ssm_heads) % in_group
    before, per_group = old.heads // old.key_heads, old.ssm_heads // old.ssm_groups
    rank = len(Places.same(new).rank)
    made = replace(
        same,
        width=torch.arange(new.width) % old.width,
        mlp=torch.arange(new.mlp_width) % old.mlp_width,
        keys=keys,
        queries=(keys[:, None] * before + torch.arange(to_key) % before).flatten(),
        heads=group * per_group + place % per_group,
        rank=torch.arange(rank) % len(same.rank),
    )
    normed = {"width": made.width, "rank": made.rank} | ({"ssm_heads": made.heads} if old.variant == "granite" else {})
    uneven = [name for name, read in normed.items() if len(set(Counter(read.tolist()).values())) > 1]
    if way == "preserving" and uneven:
        raise BadRecipe(f"{uneven[0]}: a norm runs over it, so it grows to a multiple only; or use `tiling`")
    return made


def _layers(old: Config, new: Config, way: Way) -> list[tuple[int, bool]]:
    """Return for each new layer the old one, and whether that one was there before: spread evenly, kind by kind."""
    found: dict[int, tuple[int, bool]] = {}
    for letter in "MA":
        theirs, ours = ([at for at, one in enumerate(part.pattern) if one == letter] for part in (old, new))
        if len(ours) < len(theirs) or (ours and not theirs):
            raise BadRecipe(
                f"pattern {new.pattern}: growing {old.pattern} keeps its layers, and adds none of a new kind"
            )
        picked = [place * len(theirs) // len(ours) for place in range(len(ours))]
        first = {pick: place for place, pick in reversed(list(enumerate(picked)))}
        found |= {
            at: (theirs[pick], first[pick] != place) for place, (at, pick) in enumerate(zip(ours, picked, strict=True))
        }
    layers = [found[at] for at in range(len(new.pattern))]
    kept = [origin for origin, added in layers if not added]
    if way == "preserving" and kept != sorted(kept):
        raise BadRecipe(f"pattern {new.pattern}: the layers of {old.pattern} come in another order; or use `tiling`")
    return layers
