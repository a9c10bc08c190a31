"""Where a model that trains in bfloat16 still counts in float32: scan, convolution, attention's softmax and norms.

Weights, moments and what goes from layer to layer are float32. `torch.autocast` makes the large products bfloat16.
"""

from typing import Any

import torch
from torch import Tensor


def exactly(function: Any, *arguments: Any) -> Any:
    """Apply an autograd function outside of autocast, on float32 in place of what autocast made half as wide."""
    device = arguments[0].device.type
    if not torch.is_autocast_enabled(device):
        return function.apply(*arguments)
    with torch.autocast(device, enabled=False):
        return function.apply(*[_wide(argument) for argument in arguments])


def reduced(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors in autocast's precision where it is on; gradients come back as wide as the tensors were."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return tensors
    narrow = torch.get_autocast_dtype(device)
    return tuple(tensor.to(narrow) for tensor in tensors)


def _wide(argument: Any) -> Any:
    narrow = isinstance(argument, Tensor) and argument.dtype in {torch.bfloat16, torch.float16}
    return argument.float() if narrow else argument
