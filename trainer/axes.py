"""What each dimension of each weight stands for: what growing repeats, and pruning leaves out.

    smaller = {name: reindexed(name, value, kept, config) for name, value in weights.items()}

Both are a choice of old places for each new one: a `Places` names them, for a model's width, its MLPs' and its heads.
"""

# D model, F inner width of an MLP, Q query heads * width, K key heads * width, H heads of Mamba-2, P width of its head,
# E their product, G groups, N state, R rank of dt, V vocabulary

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from trainer.config import Config
from trainer.plamo import dt_rank

GRANITE = {
    "embed_tokens.weight": ("V", "D"),
    "lm_head.weight": ("V", "D"),
    "in_proj.weight": ("ZXBCT", "D"),
    "conv1d.weight": ("XBC", "", ""),
    "conv1d.bias": ("XBC",),
    "mamba.norm.weight": ("E",),
    "input_linear.weight": ("FF", "D"),
    "output_linear.weight": ("D", "F"),
    "q_proj.weight": ("Q", "D"),
    "k_proj.weight": ("K", "D"),
    "v_proj.weight": ("K", "D"),
}
PLAMO = {
    "embed_tokens.weight": ("V", "D"),
    "lm_head.weight": ("V", "D"),
    "in_proj.weight": ("ZX", "D"),
    "conv1d.weight": ("E", "", ""),
    "bcdt_proj.weight": ("BCT", "E"),
    "dt_proj.weight": ("H", "R"),
    "dt_norm_weight": ("R",),
    "B_norm_weight": ("",),
    "C_norm_weight": ("",),
    "gate_up_proj.weight": ("FF", "D"),
    "down_proj.weight": ("D", "F"),
    "qkv_proj.weight": ("QKK", "D"),
    "q_weight": ("q", ""),
    "k_weight": ("k", ""),
}
BOTH = {
    "o_proj.weight": ("D", "Q"),
    "out_proj.weight": ("D", "E"),
    "A_log": ("H",),
    "D": ("H",),
    "dt_bias": ("H",),
    "norm.weight": ("D",),  # all that are not named above
}


def axes_of(config: Config, name: str) -> tuple[str, ...]:
    """Return what the dimensions of a weight stand for; "" for those that every model of the family shares."""
    known = (GRANITE if config.variant == "granite" else PLAMO) | BOTH
    ends = {f".{end}": axes for end, axes in known.items()}
    return next((axes for end, axes in ends.items() if f".{name}".endswith(end)), ("D",))


@dataclass(frozen=True)
class Places:
    """For each new place the old one, in a model of the shape `config`."""

    config: Config  # the old one
    width: Tensor
    mlp: Tensor
    queries: Tensor  # heads of attention
    keys: Tensor  # its key heads
    heads: Tensor  # of Mamba-2
    channels: Tensor  # of each of them
    rank: Tensor  # of dt, which only PLaMo 2 has

    @classmethod
    def same(cls, config: Config) -> "Places":
        """Return all places as they are."""
        counts = (
            config.width, config.mlp_width, config.heads, config.key_heads, config.ssm_heads, config.ssm_head_width,
            dt_rank(config.width),
        )  # fmt: skip
        return cls(config, *[torch.arange(count) for count in counts])

    def along(self, axis: str) -> Tensor:
        """Return the old place for each new one along an axis."""
        return self._made[axis]()

    @cached_property
    def _made(self) -> dict[str, Callable[[], Tensor]]:
        old = self.config
        queries, keys = (_flat(heads, torch.arange(old.attention_head)) for heads in (self.queries, self.keys))
        inner, size = _flat(self.heads, self.channels, old.ssm_head_width), old.inner
        states = torch.arange(2 * old.ssm_groups * old.ssm_state)
        both = torch.cat([self.channels, old.ssm_head_width + self.channels])
        after_queries = old.heads * old.attention_head + keys
        return {
            "V": lambda: torch.arange(old.vocabulary),
            "D": lambda: self.width,
            "F": lambda: self.mlp,
            "FF": lambda: torch.cat([self.mlp, old.mlp_width + self.mlp]),
            "Q": lambda: queries,
            "K": lambda: keys,
            "q": lambda: self.queries,
            "k": lambda: self.keys,
            "QKK": lambda: torch.cat([queries, after_queries, old.key_heads * old.attention_head + after_queries]),
            "H": lambda: self.heads,
            "E": lambda: inner,
            "R": lambda: self.rank,
            "XBC": lambda: torch.cat([inner, size + states]),
            "ZXBCT": lambda: torch.cat([inner, size + inner, 2 * size + states, 2 * size + len(states) + self.heads]),
            "ZX": lambda: _flat(self.heads, both, 2 * old.ssm_head_width),
            "BCT": lambda: torch.cat([states, len(states) + self.rank]),
        }


def reindexed(name: str, value: Tensor, places: Places) -> Tensor:
    """Return a weight with the old numbers in their new places."""
    for dimension, axis in enumerate(axes_of(places.config, name)):
        if axis:
            value = value.index_select(dimension, places.along(axis))
    return value.clone()


def layer_of(name: str) -> int | None:
    """Return the ordinal of the layer that a weight is of, if it is of one."""
    return next((int(part) for part in name.split(".") if part.isdecimal()), None)


def in_layer(name: str, layer: int) -> str:
    """Return the name of the same weight of another layer."""
    return ".".join([str(layer) if part.isdecimal() else part for part in name.split(".")])


def _flat(heads: Tensor, inside: Tensor, width: int | None = None) -> Tensor:
    return (heads[:, None] * (width or len(inside)) + inside).flatten()
