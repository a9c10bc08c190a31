"""The layers of PLaMo 2 (arXiv:2509.04897, section 2.1), with the names and the maths of its published weights.

Beside the default: norms after mixer and MLP too, all with offsets that keep a deep model's residual path short; norms
of queries and keys; B, C and dt come from the convolution's output, each through a norm; no gated norm.
"""

# B sequences, T tokens, D model, E inner (H*P), H heads, K key heads, P width of a head, N state, R rank of dt

import torch
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from trainer.attention import Turn, mix, rotate
from trainer.config import Config
from trainer.layout import Layout
from trainer.machine import Choice
from trainer.memory import KeyValues, SsmState
from trainer.mlp import gated
from trainer.norms import OffsetNorm, norm
from trainer.products import linear
from trainer.short_conv import ConvWeights
from trainer.ssm import mixed_before, scanned

AFTER_MIXER, AFTER_MLP = 1 / 5, 5**-1.5  # offsets of the norms behind the two
QK_EPSILON = 1e-6


def dt_rank(width: int) -> int:
    """Return the numbers from which a PLaMo 2 mixer makes its time steps."""
    return max(64, width // 16)


class PlamoMlp(nn.Module):
    """A gated MLP; the gate is the first half of `gate_up_proj`."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(width, 2 * inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return linear(gated(linear(x_BTD, self.gate_up_proj.weight)), self.down_proj.weight)


class PlamoAttention(nn.Module):
    """Attention with queries and keys of equal length, each times a weight of its own."""

    unit: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.head_width, self.window = config.attention_head, config.window
        self.sizes = [config.heads * self.head_width, *[config.key_heads * self.head_width] * 2]
        self.qkv_proj = nn.Linear(config.width, sum(self.sizes), bias=False)
        self.o_proj = nn.Linear(self.sizes[0], config.width, bias=False)
        self.q_weight = nn.Parameter(torch.ones(config.heads, self.head_width))
        self.k_weight = nn.Parameter(torch.ones(config.key_heads, self.head_width))
        self.register_buffer("unit", torch.ones(self.head_width), persistent=False)

    def forward(self, x_BTD: Tensor, layout: Layout, turn: Turn, memory: KeyValues | None = None) -> Tensor:
        parts = torch.split(linear(x_BTD, self.qkv_proj.weight), self.sizes, -1)
        q_BTHP, k_BTKP, v_BTKP = (torch.unflatten(part, -1, (-1, self.head_width)) for part in parts)
        q_BTHP = norm(q_BTHP, self.unit, QK_EPSILON) * self.q_weight
        k_BTKP = norm(k_BTKP, self.unit, QK_EPSILON) * self.k_weight
        q_BHTP, k_BKTP, v_BKTP = (tensor.transpose(1, 2) for tensor in (q_BTHP, k_BTKP, v_BTKP))
        mixed_BTE = mix(rotate(q_BHTP, turn), rotate(k_BKTP, turn), v_BKTP, layout, self.window, memory)
        return linear(mixed_BTE, self.o_proj.weight)


class PlamoMamba(nn.Module):
    """A Mamba-2 mixer whose B, C and dt are made from its convolved input, and are normed."""

    def __init__(self, config: Config, kernels: Choice = "auto") -> None:
        super().__init__()
        self.kernels, self.chunk, self.epsilon = kernels, config.chunk, config.epsilon
        heads, inner, state, rank = config.ssm_heads, config.inner, config.ssm_state, dt_rank(config.width)
        self.heads, self.sizes = heads, [state, state, rank]
        self.in_proj = nn.Linear(config.width, 2 * inner, bias=False)  # for each head [z | x]
        self.conv1d = ConvWeights(inner, config.conv_taps, bias=False)
        self.bcdt_proj = nn.Linear(inner, sum(self.sizes), bias=False)
        self.dt_proj = nn.Linear(rank, heads, bias=False)
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.ones(heads))
        self.dt_norm_weight = nn.Parameter(torch.ones(rank))
        self.B_norm_weight = nn.Parameter(torch.ones(state))
        self.C_norm_weight = nn.Parameter(torch.ones(state))
        self.out_proj = nn.Linear(inner, config.width, bias=False)

    def forward(self, x_BTD: Tensor, layout: Layout, memory: SsmState | None = None) -> Tensor:
        both_BTHP = torch.unflatten(linear(x_BTD, self.in_proj.weight), -1, (self.heads, -1))
        z_BTHP, x_BTHP = both_BTHP.chunk(2, -1)
        x_BTE = mixed_before(x_BTHP.flatten(2), self.conv1d, layout, self.kernels, memory)
        B_BTN, C_BTN, dt_BTR = torch.split(linear(x_BTE, self.bcdt_proj.weight), self.sizes, -1)
        B_BTGN = norm(B_BTN, self.B_norm_weight, self.epsilon)[:, :, None]
        C_BTGN = norm(C_BTN, self.C_norm_weight, self.epsilon)[:, :, None]
        dt_BTH = linear(norm(dt_BTR, self.dt_norm_weight, self.epsilon), self.dt_proj.weight)
        dt_BTH = softplus(dt_BTH.float() + self.dt_bias)
        x_BTHP = torch.unflatten(x_BTE, -1, (self.heads, -1))
        inputs = (x_BTHP, dt_BTH, -self.A_log.exp(), B_BTGN, C_BTGN)
        y_BTHP = scanned(inputs, layout, self.chunk, self.kernels, memory)
        y_BTHP = torch.addcmul(y_BTHP, x_BTHP, self.D[:, None]) * silu(z_BTHP)
        return linear(y_BTHP.flatten(2), self.out_proj.weight)


class PlamoLayer(nn.Module):
    """A mixer, then an MLP, each between two norms and beside a residual path."""

    def __init__(self, config: Config, letter: str, kernels: Choice = "auto") -> None:
        super().__init__()
        width, epsilon = config.width, config.epsilon
        self.pre_mixer_norm = OffsetNorm(width, epsilon)
        self.post_mixer_norm = OffsetNorm(width, epsilon, AFTER_MIXER)
        self.pre_mlp_norm = OffsetNorm(width, epsilon)
        self.post_mlp_norm = OffsetNorm(width, epsilon, AFTER_MLP)
        self.mixer = PlamoMamba(config, kernels) if letter == "M" else PlamoAttention(config)
        self.mlp = PlamoMlp(width, config.mlp_width)
        self.letter = letter

    def forward(self, x_BTD: Tensor, layout: Layout, turn: Turn, memory: KeyValues | SsmState | None = None) -> Tensor:
        normed_BTD = self.pre_mixer_norm(x_BTD)
        if self.letter == "M":
            mixed_BTD = self.mixer(normed_BTD, layout, memory)
        else:
            mixed_BTD = self.mixer(normed_BTD, layout, turn, memory)
        x_BTD = x_BTD + self.post_mixer_norm(mixed_BTD)
        added_BTD: Tensor = self.post_mlp_norm(self.mlp(self.pre_mlp_norm(x_BTD)))
        return x_BTD + added_BTD


class PlamoLayers(nn.Module):
    """A list of layers, one level deeper than elsewhere, as PLaMo 2 names it."""

    def __init__(self, config: Config, kernels: Choice = "auto") -> None:
        super().__init__()
        self.layers = nn.ModuleList([PlamoLayer(config, letter, kernels) for letter in config.pattern])
