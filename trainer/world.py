"""Processes that train one model together, each on its own sequences of every batch.

A process needs to know its number and how many there are; `torch.distributed` must be running where there are several.
`trainer/distributed.py` starts them with Ray Train.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from trainer.model import Hybrid

Strategy: TypeAlias = Literal["ddp", "fsdp"]


@dataclass(frozen=True, slots=True)
class World:
    """One process among all: by default the only one."""

    rank: int = 0
    ranks: int = 1
    strategy: Strategy = "ddp"  # ddp: each holds all weights; fsdp: each holds a part of each weight (FSDP2)

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.ranks == 1

    def share(self, loss: nn.Module, model: Hybrid) -> nn.Module:
        """Return the module to call for the loss, whose gradients are then the mean over all processes.

        `loss` holds `model`. With fsdp the weights of `model` are replaced by their parts, in place.
        """
        if self.alone:
            return loss
        if self.strategy == "ddp":
            return nn.parallel.DistributedDataParallel(loss)
        from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415 - seconds of import that few need
        from torch.distributed.fsdp import fully_shard  # noqa: PLC0415

        mesh = init_device_mesh(next(model.parameters()).device.type, (self.ranks,))
        for layer in model.model.blocks:
            fully_shard(layer, mesh=mesh)
        fully_shard(loss, mesh=mesh)
        return loss

    @contextmanager
    def gathering(self, loss: object, *, last: bool) -> Iterator[None]:
        """Keep gradients to this process until the last part of a batch."""
        if self.alone or last:
            _sync(loss, wanted=True)
            yield
        elif isinstance(loss, nn.parallel.DistributedDataParallel):
            with loss.no_sync():
                yield
        else:
            _sync(loss, wanted=False)
            yield

    def sum(self, value: float) -> float:
        """Return the sum of a number over all processes."""
        if self.alone:
            return value
        total = torch.tensor([value], dtype=torch.float64)
        if torch.distributed.get_backend() == "nccl":
            total = total.cuda()
        torch.distributed.all_reduce(total)
        return float(total)

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if not self.alone:
            torch.distributed.barrier()


def whole(tensor: Tensor) -> Tensor:
    """Return all of a tensor that may lie in parts with several processes: all must ask, in the same order."""
    in_parts: Callable[[], Tensor] | None = getattr(tensor, "full_tensor", None)
    return in_parts() if in_parts else tensor


def like(tensor: Tensor, weights: Tensor) -> Tensor:
    """Return a tensor on the device of weights, and in parts where they lie in parts and have its shape."""
    if not hasattr(weights, "full_tensor") or tensor.shape != weights.shape:
        return tensor.to(weights.device)
    from torch.distributed.tensor import DTensor, distribute_tensor  # noqa: PLC0415 - as above

    parts = cast("DTensor", weights)
    return distribute_tensor(tensor.to(parts.device), parts.device_mesh, parts.placements)


def _sync(loss: object, *, wanted: bool) -> None:
    setter = getattr(loss, "set_requires_gradient_sync", None)  # FSDP2 has given the module this method
    if setter is not None:
        setter(wanted)
