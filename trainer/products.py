"""Matrix products in float32 through oneDNN, where PyTorch would go to MKL.

On CPUs that are not Intel's, MKL keeps to code for older ones: on an EPYC of 2023 (Zen 4), one thread, it does 50-65
GFLOP/s in the shapes of a small model, and oneDNN, which PyTorch carries too, 80-90. PyTorch sends products there in
bfloat16 only; `_linear_pointwise` is the call that torch.compile writes for float32. Where it is missing, on other
devices and in other precisions, these are plain products. Both round as float32 does.
"""

# M rows, I columns in, O columns out

from typing import Any

import torch
from torch import Tensor

from trainer.precision import reduced

_ONEDNN = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None  # type: ignore[no-untyped-call]


def product(left_MI: Tensor, right_OI: Tensor) -> Tensor:
    """Return left @ right.T, [M, O], outside of autograd."""
    if _ONEDNN is None or torch.compiler.is_compiling():  # it takes that call of frozen weights only
        return left_MI @ right_OI.T
    if left_MI.device.type != "cpu" or not left_MI.dtype == right_OI.dtype == torch.float32:
        return left_MI @ right_OI.T
    out_MO: Tensor = _ONEDNN(left_MI, right_OI, None, "none", [], "")
    return out_MO


def linear(x_xI: Tensor, weight_OI: Tensor) -> Tensor:
    """Return x @ weight.T, [..., O], as `torch.nn.functional.linear` does, in autocast's precision where it is on."""
    if torch.is_autocast_enabled(x_xI.device.type):
        x_xI, weight_OI = reduced(x_xI, weight_OI)
        return torch.nn.functional.linear(x_xI, weight_OI)
    out_xO: Tensor = _Linear.apply(x_xI, weight_OI)  # type: ignore[no-untyped-call]
    return out_xO


def gradient(dy_MO: Tensor, x_MI: Tensor) -> Tensor:
    """Return dy.T @ x, [O, I], the gradient of a weight."""
    if dy_MO.shape[1] > x_MI.shape[1]:  # oneDNN is a fifth faster when the longer side is the inner one of its output
        return product(x_MI.T, dy_MO.T).T
    return product(dy_MO.T, x_MI.T)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_xI: Tensor, weight_OI: Tensor) -> Tensor:
        ctx.save_for_backward(x_xI, weight_OI)
        return torch.unflatten(product(x_xI.flatten(0, -2), weight_OI), 0, x_xI.shape[:-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        x_xI, weight_OI = ctx.saved_tensors
        dy_MO = gradients[0].flatten(0, -2)
        dx_xI = torch.unflatten(product(dy_MO, weight_OI.T), 0, x_xI.shape[:-1])
        return dx_xI, gradient(dy_MO, x_xI.flatten(0, -2))
