"""The short causal convolution of a Mamba mixer, in plain PyTorch, with gradients written by hand."""

# B sequences, T tokens, X channels, K taps

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from trainer.layout import Layout
from trainer.precision import exactly


def short_conv(x_BTX: Tensor, weight_X1K: Tensor, bias_X: Tensor | None, layout: Layout) -> Tensor:
    """Return silu of a causal depthwise convolution that sees zeros before the first token of a document."""
    y_BTX: Tensor = exactly(_ShortConv, x_BTX, weight_X1K, bias_X, layout)
    return y_BTX


class _ShortConv(torch.autograd.Function):
    """One tap after the other, added in place: no shifted copy is kept."""

    @staticmethod
    def forward(ctx: Any, x_BTX: Tensor, weight_X1K: Tensor, bias_X: Tensor | None, layout: Layout) -> Tensor:
        last_X = weight_X1K[:, 0, -1]
        y_BTX = x_BTX * last_X if bias_X is None else torch.addcmul(bias_X, x_BTX, last_X)
        for shift in range(1, min(weight_X1K.shape[2], x_BTX.shape[1])):
            y_BTX[:, shift:].addcmul_(_own(x_BTX[:, :-shift], layout, shift), weight_X1K[:, 0, -1 - shift])
        ctx.save_for_backward(x_BTX, weight_X1K, y_BTX)
        ctx.layout, ctx.biased = layout, bias_X is not None
        return silu(y_BTX)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        x_BTX, weight_X1K, y_BTX = ctx.saved_tensors
        dy_BTX = torch.ops.aten.silu_backward(gradients[0], y_BTX)
        dx_BTX = dy_BTX * weight_X1K[:, 0, -1]
        dweight_X1K = torch.zeros_like(weight_X1K)
        dweight_X1K[:, 0, -1] = (dy_BTX * x_BTX).sum((0, 1))
        for shift in range(1, min(weight_X1K.shape[2], x_BTX.shape[1])):
            later_BTX = _own(dy_BTX[:, shift:], ctx.layout, shift)
            dx_BTX[:, :-shift].addcmul_(later_BTX, weight_X1K[:, 0, -1 - shift])
            dweight_X1K[:, 0, -1 - shift] = (later_BTX * x_BTX[:, :-shift]).sum((0, 1))
        return dx_BTX, dweight_X1K, dy_BTX.sum((0, 1)) if ctx.biased else None, None


def _own(part_BTX: Tensor, layout: Layout, shift: int) -> Tensor:
    """Return zeros where a token and the one `shift` places before are of two documents."""
    return part_BTX if layout.single else part_BTX * layout.same_document(shift)[:, shift:]


class ConvWeights(nn.Module):
    """Weights of `short_conv`, under the names that GraniteMoeHybrid and PLaMo 2 give them."""

    bias: nn.Parameter | None

    def __init__(self, channels: int, taps: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, taps))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
