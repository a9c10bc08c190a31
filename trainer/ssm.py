"""The mixer of Mamba-2 (Dao and Gu 2024, arXiv:2405.21060, section 7): short convolution, scan, gated norm."""

# B sequences, T tokens, D model, E inner (H*P), H heads, P width of a head, G groups, N state, M inner of B and C
# (G*N), K taps of the convolution, X its channels (E + 2*M)

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from trainer.config import Config
from trainer.kernels import conv, scan
from trainer.layout import Layout
from trainer.machine import Choice
from trainer.memory import SsmState
from trainer.norms import RMSNorm
from trainer.products import linear
from trainer.short_conv import ConvWeights


def mixed_before(
    x_BTX: Tensor, weights: ConvWeights, layout: Layout, kernels: Choice, memory: SsmState | None
) -> Tensor:
    """Return the short convolution over these tokens, or with a memory over those before them too."""
    if memory is not None:
        return memory.conv(x_BTX, weights.weight, weights.bias)
    return conv(x_BTX, weights.weight, weights.bias, layout=layout, choice=kernels)


def scanned(
    inputs: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    layout: Layout,
    chunk: int,
    kernels: Choice,
    memory: SsmState | None,
) -> Tensor:
    """Return the scan of (x, dt, A, B, C) over these tokens, or with a memory over those before them too."""
    if memory is not None:
        return memory.scan(*inputs, chunk=chunk)
    return scan(*inputs, layout=layout, chunk=chunk, choice=kernels)


class Mamba2(nn.Module):
    """A Mamba-2 mixer as in GraniteMoeHybrid: [z | x | B | C | dt] from one projection, and a gated norm at the end."""

    def __init__(self, config: Config, kernels: Choice = "auto") -> None:
        super().__init__()
        self.kernels = kernels
        width, heads = config.width, config.ssm_heads
        groups, state = config.ssm_groups, config.ssm_state
        self.heads, self.groups, self.state, self.chunk = heads, groups, state, config.chunk
        self.inner = config.inner
        channels = self.inner + 2 * groups * state
        self.in_proj = nn.Linear(width, self.inner + channels + heads, bias=False)
        self.conv1d = ConvWeights(channels, config.conv_taps)
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = RMSNorm(self.inner, config.epsilon)
        self.out_proj = nn.Linear(self.inner, width, bias=False)

    def forward(self, x_BTD: Tensor, layout: Layout, memory: SsmState | None = None) -> Tensor:
        sizes = [self.inner, self.inner + 2 * self.groups * self.state, self.heads]
        z_BTE, conv_BTX, dt_BTH = torch.split(linear(x_BTD, self.in_proj.weight), sizes, -1)
        conv_BTX = mixed_before(conv_BTX, self.conv1d, layout, self.kernels, memory)
        sizes = [self.inner, self.groups * self.state, self.groups * self.state]
        x_BTE, B_BTM, C_BTM = torch.split(conv_BTX, sizes, -1)
        x_BTHP = torch.unflatten(x_BTE, -1, (self.heads, -1))
        B_BTGN, C_BTGN = (torch.unflatten(tensor, -1, (self.groups, -1)) for tensor in (B_BTM, C_BTM))
        dt_BTH = softplus(dt_BTH + self.dt_bias)
        inputs = (x_BTHP, dt_BTH, -self.A_log.exp(), B_BTGN, C_BTGN)
        y_BTHP = scanned(inputs, layout, self.chunk, self.kernels, memory)
        y_BTE = torch.addcmul(y_BTHP, x_BTHP, self.D[:, None]).flatten(2)
        out_BTD: Tensor = linear(self.norm.gated(y_BTE, z_BTE), self.out_proj.weight)
        return out_BTD
