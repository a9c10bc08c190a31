"""Scan and convolution by the kernels of mamba-ssm and causal-conv1d on CUDA, or in plain PyTorch: one switch.

    Hybrid(config, kernels="auto")        the kernels where tensors lie on a GPU and both are installed
    Hybrid(config, kernels="torch")       never
    Hybrid(config, kernels="mamba_ssm")   always; an error says what is missing

They are imported on first use, for neither can be imported where there is no GPU.
"""

# B sequences, T tokens, X channels, K taps, H heads, P width of a head, G groups, N state

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from manifests.errors import BadRecipe
from trainer.layout import Layout
from trainer.machine import Choice
from trainer.scan import scan as scan_torch
from trainer.short_conv import short_conv

NEEDED = ("mamba_ssm", "causal_conv1d")
MOST_TAPS = 4  # that causal-conv1d has kernels for


def conv(
    x_BTX: Tensor, weight_X1K: Tensor, bias_X: Tensor | None, *, layout: Layout, choice: Choice = "auto"
) -> Tensor:
    """Return silu of a causal depthwise convolution inside each document. Raises BadRecipe as `on_cuda` does."""
    if not on_cuda(choice, x_BTX.device) or weight_X1K.shape[2] > MOST_TAPS:
        return short_conv(x_BTX, weight_X1K, bias_X, layout)
    # Channels must lie side by side for documents to be kept apart: a view with T last is just that.
    documents_BT = None if layout.single else layout.documents.int()
    x_BXT = x_BTX.contiguous().transpose(1, 2)
    bias = None if bias_X is None else bias_X.to(x_BTX.dtype)
    weight_XK = weight_X1K[:, 0].to(x_BTX.dtype)
    y_BXT = _conv_kernel()(x_BXT, weight_XK, bias, seq_idx=documents_BT, activation="silu")
    y_BTX: Tensor = y_BXT.transpose(1, 2)
    return y_BTX


def scan(
    x_BTHP: Tensor,
    dt_BTH: Tensor,
    A_H: Tensor,
    B_BTGN: Tensor,
    C_BTGN: Tensor,
    *,
    layout: Layout,
    chunk: int,
    choice: Choice = "auto",
) -> Tensor:
    """Return what `trainer.scan.scan_ref` returns. Raises BadRecipe as `on_cuda` does."""
    if not on_cuda(choice, x_BTHP.device):
        return scan_torch(x_BTHP, dt_BTH, A_H, B_BTGN, C_BTGN, layout=layout, chunk=chunk)
    documents_BT = None if layout.single else layout.documents.int()
    B_BTGN, C_BTGN = B_BTGN.to(x_BTHP.dtype), C_BTGN.to(x_BTHP.dtype)
    y_BTHP: Tensor = _scan_kernel()(x_BTHP, dt_BTH, A_H, B_BTGN, C_BTGN, chunk, seq_idx=documents_BT)
    return y_BTHP


def on_cuda(choice: Choice, device: torch.device) -> bool:
    """Tell whether the kernels are used for tensors on a device.

    Raises BadRecipe where they are asked for and cannot be had.
    """
    if choice == "torch" or (choice == "auto" and device.type != "cuda"):
        return False
    missing = _missing()
    if choice == "auto":
        return not missing
    if device.type != "cuda":
        raise BadRecipe(f"kernels mamba_ssm: the model is on {device}, they run on CUDA only; use --kernels auto")
    if missing:
        raise BadRecipe(
            f"kernels mamba_ssm: {', '.join(missing)} not installed; pip install --no-build-isolation 'koba[gpu]', or "
            "use --kernels torch"
        )
    return True


@lru_cache(maxsize=1)
def _missing() -> tuple[str, ...]:
    return tuple(name for name in NEEDED if find_spec(name) is None)


def _conv_kernel() -> Any:
    return import_module("causal_conv1d").causal_conv1d_fn


def _scan_kernel() -> Any:
    return import_module("mamba_ssm.ops.triton.ssd_combined").mamba_chunk_scan_combined
