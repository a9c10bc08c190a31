"""Root mean square norms (Zhang and Sennrich 2019, arXiv:1910.07467), with gradients written by hand.

PyTorch's own goes over a tensor eleven times on a CPU, and keeps three more of its size for the way back.
"""

# D normed width, x any leading dimensions

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from trainer.precision import exactly


class RMSNorm(nn.RMSNorm):
    """PyTorch's norm, faster."""

    def forward(self, x: Tensor) -> Tensor:
        return norm(x, self.weight, self.eps or 0.0)

    def gated(self, x_xD: Tensor, gate_xD: Tensor) -> Tensor:
        """Return the norm of x * silu(gate), the last step of a Mamba-2 mixer."""
        y_xD: Tensor = exactly(_GatedNorm, x_xD, gate_xD, self.weight, self.eps)
        return y_xD


class OffsetNorm(nn.Module):
    """The norm of PLaMo 2: its weight is stored without the offset, so that weight decay draws it to the offset."""

    def __init__(self, width: int, epsilon: float, offset: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.epsilon, self.offset = epsilon, offset

    def forward(self, x_xD: Tensor) -> Tensor:
        return norm(x_xD, self.weight + self.offset, self.epsilon)


def norm(x_xD: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
    """Return x over its root mean square, times a weight."""
    y_xD: Tensor = exactly(_Norm, x_xD, weight_D, epsilon)
    return y_xD


def _scale(x_xD: Tensor, epsilon: float) -> Tensor:
    length_x1: Tensor = torch.linalg.vector_norm(x_xD, dim=-1, keepdim=True)
    return length_x1.square_().div_(x_xD.shape[-1]).add_(epsilon).rsqrt_()


def _backward(dy_xD: Tensor, x_xD: Tensor, scale_x1: Tensor, weight_D: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and of the weight."""
    unit_xD = x_xD * scale_x1
    product_xD = dy_xD * unit_xD
    along_x1 = (product_xD @ weight_D)[..., None] / -weight_D.numel()
    dx_xD = (dy_xD * weight_D).addcmul_(unit_xD, along_x1).mul_(scale_x1)
    return dx_xD, product_xD.flatten(0, -2).sum(0)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_xD: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
        scale_x1 = _scale(x_xD, epsilon)
        ctx.save_for_backward(x_xD, scale_x1, weight_D)
        return (x_xD * scale_x1).mul_(weight_D)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        return *_backward(gradients[0], *ctx.saved_tensors), None


class _GatedNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_xD: Tensor, gate_xD: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
        gated_xD = silu(gate_xD).mul_(x_xD)
        scale_x1 = _scale(gated_xD, epsilon)
        ctx.save_for_backward(x_xD, gate_xD, scale_x1, weight_D)
        return gated_xD.mul_(scale_x1).mul_(weight_D)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x_xD, gate_xD, scale_x1, weight_D = ctx.saved_tensors
        silu_xD = silu(gate_xD)
        dgated_xD, dweight_D = _backward(gradients[0], silu_xD * x_xD, scale_x1, weight_D)
        dgate_xD = torch.ops.aten.silu_backward(dgated_xD * x_xD, gate_xD)
        return dgated_xD.mul_(silu_xD), dgate_xD, dweight_D, None
