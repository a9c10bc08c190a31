"""The gated MLP of both variants: SwiGLU (Shazeer 2020, arXiv:2002.05202)."""

# B sequences, T tokens, D model, F inner width of the MLP, G gate and value (2*F)

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from trainer.products import linear


class SwiGLU(nn.Module):
    """A gated MLP; the gate is the first half of `input_linear`."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.input_linear = nn.Linear(width, 2 * inner, bias=False)
        self.output_linear = nn.Linear(inner, width, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return linear(gated(linear(x_BTD, self.input_linear.weight)), self.output_linear.weight)


def gated(both_BTG: Tensor) -> Tensor:
    """Return silu of the first half times the second, [B, T, F]."""
    gated_BTF: Tensor = _Gate.apply(both_BTG)  # type: ignore[no-untyped-call]
    return gated_BTF


class _Gate(torch.autograd.Function):
    """Only what comes in is kept, and its gradient made in place."""

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
