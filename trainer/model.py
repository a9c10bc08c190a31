"""A compact hybrid language model: Mamba-2, attention and SwiGLU, with the names and the maths of GraniteMoeHybrid.

    model = Hybrid(Config(pattern="MAMA", width=256), seed=0)
    logits = model(tokens)

Weights carry the names that transformers and vLLM expect, so that an export is a copy. `Config(variant="plamo2")` has
PLaMo 2's layers and names instead.
"""

# B sequences, T tokens, D model, V vocabulary

import hashlib
import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recomputed

from trainer.attention import Attention, Turn, rotary
from trainer.config import Config
from trainer.layout import Layout
from trainer.machine import Choice
from trainer.memory import KeyValues, Memory, SsmState
from trainer.mlp import SwiGLU
from trainer.norms import OffsetNorm, RMSNorm
from trainer.plamo import PlamoLayers
from trainer.ssm import Mamba2

DT_RANGE = (1e-3, 1e-1)  # seconds in the paper's words: log-uniform time steps at the start, as Mamba has them
NO_MATRICES = ("q_weight", "k_weight")  # weights of norms that lie in two dimensions


class Layer(nn.Module):
    """A mixer over tokens, then an MLP, each before a norm and beside a residual path."""

    def __init__(self, config: Config, letter: str, kernels: Choice = "auto") -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.width, config.epsilon)
        self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)
        if letter == "M":
            self.mamba = Mamba2(config, kernels)
        else:
            self.self_attn = Attention(config)
        self.shared_mlp = SwiGLU(config.width, config.mlp_width)
        self.letter = letter

    def forward(self, x_BTD: Tensor, layout: Layout, turn: Turn, memory: KeyValues | SsmState | None = None) -> Tensor:
        normed_BTD = self.input_layernorm(x_BTD)
        if self.letter == "M":
            mixed_BTD = self.mamba(normed_BTD, layout, memory)
        else:
            mixed_BTD = self.self_attn(normed_BTD, layout, turn, memory)
        x_BTD = x_BTD + mixed_BTD
        added_BTD: Tensor = self.shared_mlp(self.post_attention_layernorm(x_BTD))
        return x_BTD + added_BTD


class Backbone(nn.Module):
    """All but the output layer."""

    layers: nn.Module
    norm: nn.Module

    def __init__(self, config: Config, kernels: Choice = "auto") -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocabulary, config.width)
        if config.variant == "plamo2":
            self.layers = PlamoLayers(config, kernels)
            self.norm = OffsetNorm(config.width, config.epsilon)
        else:
            self.layers = nn.ModuleList([Layer(config, letter, kernels) for letter in config.pattern])
            self.norm = RMSNorm(config.width, config.epsilon)
        self.head_width, self.rope_theta = config.attention_head, config.rope_theta
        self.recompute = False  # activations of layers on the way back: less memory, a third more time, equal losses

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers, first to last, of either variant."""
        return cast("nn.ModuleList", self.layers.layers if isinstance(self.layers, PlamoLayers) else self.layers)

    def forward(self, tokens_BT: Tensor, layout: Layout, memory: Memory | None = None) -> Tensor:
        """Return [B, T, D]. With a memory the tokens follow those that it has read."""
        x_BTD: Tensor = self.embed_tokens(tokens_BT)
        positions_BT = layout.positions + (memory.seen if memory else 0)
        turn = rotary(positions_BT, self.head_width, self.rope_theta)
        for ordinal, layer in enumerate(self.blocks):
            if self.recompute and torch.is_grad_enabled():
                x_BTD = recomputed(layer, x_BTD, layout, turn, use_reentrant=False)
            else:
                x_BTD = layer(x_BTD, layout, turn, memory.layers[ordinal] if memory else None)
        if memory:
            memory.seen += tokens_BT.shape[1]
        normed_BTD: Tensor = self.norm(x_BTD)
        return normed_BTD


class Hybrid(nn.Module):
    """A language model laid out by its config's pattern. Equal configs and seeds give equal weights."""

    def __init__(self, config: Config, seed: int = 0, kernels: Choice = "auto") -> None:
        super().__init__()
        self.config = config
        self.model = Backbone(config, kernels)
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
        elif is_matrix(name, weights):
            weights.normal_(0.0, weights[0].numel() ** -0.5, generator=draw)


def is_matrix(name: str, weights: Tensor) -> bool:
    """Tell matrices, embeddings and convolutions from norms, biases, A_log, D and dt_bias: only they decay."""
    return weights.dim() >= 2 and not name.endswith(NO_MATRICES)


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers a model learns; a tied matrix counts once."""
    return sum(weights.numel() for weights in model.parameters())
