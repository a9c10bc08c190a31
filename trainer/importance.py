"""How much each part of a model does, by its activations on a few batches (Minitron, Muralidharan et al. 2024).

    found = importance(model, [loader.next() for _ in range(8)])

The mean of |activation| over a sequence, its root mean square over the sequences (arXiv:2407.14679, section 2.2; of
Mamba heads, Taghibakhshi et al. 2025, arXiv:2504.11409). A layer does much if what leaves it is unlike what enters.
"""

# B sequences, T tokens, D model, F inner width of an MLP, H heads, P width of a head, C whatever is scored

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cosine_similarity

from manifests.errors import BadRecipe
from trainer.config import Config
from trainer.data import Batch
from trainer.layout import Layout
from trainer.mlp import SwiGLU, gated
from trainer.model import Hybrid
from trainer.products import linear


@dataclass(frozen=True)
class Importance:
    """Scores, the higher the more is done. Layers without a part have no score for it."""

    width: Tensor  # [D], over all layers
    layers: tuple[float, ...]  # 1 - cosine of what enters and what leaves
    mlp: tuple[Tensor, ...]  # [F] of each layer
    heads: dict[int, Tensor]  # [H] of each layer of attention
    channels: dict[int, Tensor]  # [H, P] of each Mamba-2 layer


class _Sums:
    """Sums of squares over sequences, by what is scored."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, int], Tensor] = {}

    def add(self, part: str, layer: int, activations_BTC: Tensor) -> None:
        squares_C = activations_BTC.abs().mean(1).double().square().sum(0)
        before = self.sums.get((part, layer))
        self.sums[part, layer] = squares_C if before is None else before + squares_C

    def roots(self, part: str) -> dict[int, Tensor]:
        return {layer: value.sqrt() for (kind, layer), value in self.sums.items() if kind == part}


@torch.no_grad()
def importance(model: Hybrid, batches: Iterable[Batch]) -> Importance:
    """Return the scores of a model's parts. Raises BadRecipe where there are no batches."""
    sums, unlike, count = _Sums(), [0.0] * len(model.model.blocks), 0
    for batch in batches:
        count += 1
        for layer, (block, seen) in enumerate(_seen(model, batch)):
            mixer, mlp = _parts(block)
            sums.add("width", layer, seen[mixer][0])
            sums.add("width/mlp", layer, seen[mlp][0])
            sums.add("mlp", layer, gated(linear(seen[mlp][0], _into_mlp(mlp))))
            part = "channels" if block.letter == "M" else "heads"
            sums.add(part, layer, _inside(model.config, mixer, block.letter, seen[mixer]))
            left, entered = seen[block][-1], seen[block][0]
            unlike[layer] += 1 - cosine_similarity(entered, left, dim=-1).mean().item()
    if not count:
        raise BadRecipe("importance: there are no batches to see what a model does with; give a few")
    width = [*sums.roots("width").values(), *sums.roots("width/mlp").values()]
    config = model.config
    return Importance(
        torch.stack(width).sum(0),
        tuple([total / count for total in unlike]),
        tuple(sums.roots("mlp").values()),
        {
            layer: torch.unflatten(value, 0, (config.heads, -1)).norm(dim=1)
            for layer, value in sums.roots("heads").items()
        },
        {layer: torch.unflatten(value, 0, (config.ssm_heads, -1)) for layer, value in sums.roots("channels").items()},
    )


def _seen(model: Hybrid, batch: Batch) -> list[tuple[Any, dict[nn.Module, tuple[Any, ...]]]]:
    """Return each layer with what it and its parts were called with; last of the layer's, what it returned."""
    called: dict[nn.Module, tuple[Any, ...]] = {}

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        called[module] = (*inputs, output)

    blocks = list(model.model.blocks)
    hooks = [module.register_forward_hook(note) for block in blocks for module in (block, *_parts(block))]
    try:
        device = model.lm_head.weight.device
        model.model(batch.tokens.to(device), Layout(batch.documents.to(device)))
    finally:
        for hook in hooks:
            hook.remove()
    return [(block, called) for block in blocks]


def _parts(block: Any) -> tuple[Any, Any]:
    """Return the mixer and the MLP of a layer of either variant."""
    if hasattr(block, "mixer"):
        return block.mixer, block.mlp
    return block.mamba if block.letter == "M" else block.self_attn, block.shared_mlp


def _into_mlp(mlp: Any) -> Tensor:
    weight: Tensor = (mlp.input_linear if isinstance(mlp, SwiGLU) else mlp.gate_up_proj).weight
    return weight


def _inside(config: Config, mixer: Any, letter: str, called: tuple[Any, ...]) -> Tensor:
    """Return the outputs of heads before they are mixed, [B, T, H*P], or what enters those of a Mamba-2 layer."""
    if letter == "A":
        size = mixer.o_proj.weight.shape[1]
        unmixed = {"o_proj.weight": torch.eye(size, device=mixer.o_proj.weight.device)}
        heads_BTC: Tensor = functional_call(mixer, unmixed, called[:3])
        return heads_BTC
    made_BTC = linear(called[0], mixer.in_proj.weight)
    if config.variant == "granite":
        return made_BTC[..., config.inner : 2 * config.inner]
    return torch.unflatten(made_BTC, -1, (config.ssm_heads, -1)).chunk(2, -1)[1].flatten(2)
