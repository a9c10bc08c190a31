"""The mixer of Mamba-2 (Dao and Gu 2024, arXiv:2405.21060, section 7): short convolution, scan, gated norm."""

# B sequences, T tokens, D model, E inner (H*P), H heads, P width of a head, G groups, N state, M inner of B and C
# (G*N), K taps of the convolution, X its channels (E + 2*M)

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from trainer.config import Config
from trainer.layout import Layout
from trainer.norms import RMSNorm
from trainer.products import linear
from trainer.scan import scan


def short_conv(x_BTX: Tensor, weight_X1K: Tensor, bias_X: Tensor, layout: Layout) -> Tensor:
    """Return silu of a causal depthwise convolution that sees zeros before the first token of a document."""
    y_BTX: Tensor = _ShortConv.apply(x_BTX, weight_X1K, bias_X, layout)  # type: ignore[no-untyped-call]
    return y_BTX


class _ShortConv(torch.autograd.Function):
    """One tap after the other, added in place: no shifted copy is kept."""

    @staticmethod
    def forward(ctx: Any, x_BTX: Tensor, weight_X1K: Tensor, bias_X: Tensor, layout: Layout) -> Tensor:
        y_BTX = torch.addcmul(bias_X, x_BTX, weight_X1K[:, 0, -1])
        for shift in range(1, min(weight_X1K.shape[2], x_BTX.shape[1])):
            y_BTX[:, shift:].addcmul_(_own(x_BTX[:, :-shift], layout, shift), weight_X1K[:, 0, -1 - shift])
        ctx.save_for_backward(x_BTX, weight_X1K, y_BTX)
        ctx.layout = layout
        return silu(y_BTX)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x_BTX, weight_X1K, y_BTX = ctx.saved_tensors
        dy_BTX = torch.ops.aten.silu_backward(gradients[0], y_BTX)
        dx_BTX = dy_BTX * weight_X1K[:, 0, -1]
        dweight_X1K = torch.zeros_like(weight_X1K)
        dweight_X1K[:, 0, -1] = (dy_BTX * x_BTX).sum((0, 1))
        for shift in range(1, min(weight_X1K.shape[2], x_BTX.shape[1])):
            later_BTX = _own(dy_BTX[:, shift:], ctx.layout, shift)
            dx_BTX[:, :-shift].addcmul_(later_BTX, weight_X1K[:, 0, -1 - shift])
            dweight_X1K[:, 0, -1 - shift] = (later_BTX * x_BTX[:, :-shift]).sum((0, 1))
        return dx_BTX, dweight_X1K, dy_BTX.sum((0, 1)), None


def _own(part_BTX: Tensor, layout: Layout, shift: int) -> Tensor:
    """Return zeros where a token and the one `shift` places before are of two documents."""
    return part_BTX if layout.single else part_BTX * layout.same_document(shift)[:, shift:]


class ConvWeights(nn.Module):
    """Weights of `short_conv`, under the names that GraniteMoeHybrid gives them."""

    def __init__(self, channels: int, taps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, taps))
        self.bias = nn.Parameter(torch.zeros(channels))


class Mamba2(nn.Module):
    """A Mamba-2 mixer as in GraniteMoeHybrid: [z | x | B | C | dt] from one projection, and a gated norm at the end."""

    def __init__(self, config: Config) -> None:
        super().__init__()
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

    def forward(self, x_BTD: Tensor, layout: Layout) -> Tensor:
        sizes = [self.inner, self.inner + 2 * self.groups * self.state, self.heads]
        z_BTE, conv_BTX, dt_BTH = torch.split(linear(x_BTD, self.in_proj.weight), sizes, -1)
        conv_BTX = short_conv(conv_BTX, self.conv1d.weight, self.conv1d.bias, layout)
        sizes = [self.inner, self.groups * self.state, self.groups * self.state]
        x_BTE, B_BTM, C_BTM = torch.split(conv_BTX, sizes, -1)
        x_BTHP = torch.unflatten(x_BTE, -1, (self.heads, -1))
        B_BTGN, C_BTGN = (torch.unflatten(tensor, -1, (self.groups, -1)) for tensor in (B_BTM, C_BTM))
        dt_BTH = softplus(dt_BTH + self.dt_bias)
        y_BTHP = scan(x_BTHP, dt_BTH, -self.A_log.exp(), B_BTGN, C_BTGN, layout=layout, chunk=self.chunk)
        y_BTE = torch.addcmul(y_BTHP, x_BTHP, self.D[:, None]).flatten(2)
        out_BTD: Tensor = linear(self.norm.gated(y_BTE, z_BTE), self.out_proj.weight)
        return out_BTD
