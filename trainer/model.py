"""A compact hybrid language model: Mamba-2, attention and SwiGLU, with the names and the maths of GraniteMoeHybrid.

    model = Hybrid(Config(pattern="MAMA", width=256), seed=0)
    logits = model(tokens)

Weights carry the names that transformers and vLLM expect, so that an export is a copy.
"""

# B sequences, T tokens, D model, F inner width of the MLP, G gate and value (2*F), V vocabulary

import hashlib
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from trainer.attention import Attention, rotary
from trainer.config import Config
from trainer.layout import Layout
from trainer.norms import RMSNorm
from trainer.products import linear
from trainer.ssm import Mamba2

DT_RANGE = (1e-3, 1e-1)  # seconds in the paper's words: log-uniform time steps at the start, as Mamba has them


class SwiGLU(nn.Module):
    """A gated MLP; the gate is the first half of `input_linear`."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.input_linear = nn.Linear(width, 2 * inner, bias=False)
        self.output_linear = nn.Linear(inner, width, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        gated_BTF: Tensor = _Gate.apply(linear(x_BTD, self.input_linear.weight))  # type: ignore[no-untyped-call]
        return linear(gated_BTF, self.output_linear.weight)


class _Gate(torch.autograd.Function):
    """silu of the first half times the second; only what comes in is kept, and its gradient made in place."""

    @staticmethod
    def forward(ctx: Any, both_BTG: Tensor) -> Tensor:
        ctx.save_for_backward(both_BTG)
        gate_BTF, value_BTF = both_BTG.chunk(2, -1)
        return silu(gate_BTF).mul_(value_BTF)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (both_BTG,) = ctx.saved_tensors
        gate_BTF, value_BTF = both_BTG.chunk(2, -1)
        dboth_BTG = torch.empty_like(both_BTG)
        dgate_BTF, dvalue_BTF = dboth_BTG.chunk(2, -1)
        torch.ops.aten.silu_backward(gradients[0] * value_BTF, gate_BTF, grad_input=dgate_BTF)
        torch.mul(silu(gate_BTF), gradients[0], out=dvalue_BTF)
        return dboth_BTG


class Layer(nn.Module):
    """A mixer over tokens, then an MLP, each before a norm and beside a residual path."""

    def __init__(self, config: Config, letter: str) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.width, config.epsilon)
        self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)
        if letter == "M":
            self.mamba = Mamba2(config)
        else:
            self.self_attn = Attention(config)
        self.shared_mlp = SwiGLU(config.width, config.mlp_width)
        self.letter = letter

    def forward(self, x_BTD: Tensor, layout: Layout, turn: tuple[Tensor, Tensor]) -> Tensor:
        normed_BTD = self.input_layernorm(x_BTD)
        mixed_BTD = self.mamba(normed_BTD, layout) if self.letter == "M" else self.self_attn(normed_BTD, layout, turn)
        x_BTD = x_BTD + mixed_BTD
        added_BTD: Tensor = self.shared_mlp(self.post_attention_layernorm(x_BTD))
        return x_BTD + added_BTD


class Backbone(nn.Module):
    """All but the output layer."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList([Layer(config, letter) for letter in config.pattern])
        self.norm = RMSNorm(config.width, config.epsilon)
        self.head_width, self.rope_theta = config.width // config.heads, config.rope_theta

    def forward(self, tokens_BT: Tensor, layout: Layout) -> Tensor:
        x_BTD: Tensor = self.embed_tokens(tokens_BT)
        turn = rotary(layout.positions, self.head_width, self.rope_theta)
        for layer in self.layers:
            x_BTD = layer(x_BTD, layout, turn)
        normed_BTD: Tensor = self.norm(x_BTD)
        return normed_BTD


class Hybrid(nn.Module):
    """A language model laid out by its config's pattern. Equal configs and seeds give equal weights."""

    def __init__(self, config: Config, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.model = Backbone(config)
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)
        if config.tied:
            self.lm_head.weight = self.model.embed_tokens.weight
        initialise(self, seed)

    def forward(self, tokens_BT: Tensor, documents_BT: Tensor | None = None) -> Tensor:
        """Return logits [B, T, V]. `documents_BT` numbers the documents of a packed batch upwards; none: one each."""
        shape = (tokens_BT.shape[0], tokens_BT.shape[1])
        layout = Layout.whole(shape, tokens_BT.device) if documents_BT is None else Layout(documents_BT)
        logits_BTV: Tensor = self.lm_head(self.model(tokens_BT, layout))
        return logits_BTV


@torch.no_grad()
def initialise(model: Hybrid, seed: int) -> None:
    """Draw all weights anew, each from (seed, its name), so that one more layer leaves the others as they were.

    Matrices: normal, standard deviation fan_in**-0.5; with 0.02 the small models of our tests did not learn to recall.
    A_log: log(1..H). dt_bias: such that softplus gives log-uniform time steps. Norms and D: one. Biases: zero.
    """
    for name, weights in model.named_parameters():
        key = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        draw = torch.Generator().manual_seed(int.from_bytes(key[:7], "big"))
        if name.endswith("A_log"):
            weights.copy_(torch.arange(1, len(weights) + 1).log())
        elif name.endswith("dt_bias"):
            low, high = (math.log(value) for value in DT_RANGE)
            dt = torch.empty(len(weights)).uniform_(low, high, generator=draw).exp()
            weights.copy_(dt + torch.log(-torch.expm1(-dt)))  # the inverse of softplus
        elif weights.dim() >= 2:
            weights.normal_(0.0, weights[0].numel() ** -0.5, generator=draw)


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers a model learns; a tied matrix counts once."""
    return sum(weights.numel() for weights in model.parameters())
