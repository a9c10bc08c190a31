"""How the work of a training is done: what changes its speed and its memory, and of the weights the last bits at most.

None of it is part of a job's identity: a training may go on with other choices than it was begun with.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from manifests.errors import BadRecipe

if TYPE_CHECKING:
    import torch

    from trainer.model import Hybrid

Choice: TypeAlias = Literal["auto", "torch", "mamba_ssm"]  # of kernels, see trainer/kernels.py


@dataclass(frozen=True, slots=True)
class Machine:
    """Choices of one machine."""

    device: str = "auto"  # of torch: cpu, cuda, cuda:1; auto: a GPU where there is one
    kernels: Choice = "auto"
    recompute: bool = False  # activations on the way back: less memory, about a third more time, equal losses
    compiled: bool = False  # layers, by torch.compile, for GPUs: on a CPU our gradients by hand are as fast

    def placed(self) -> "torch.device":
        """Return the device. Raises BadRecipe for one that is not there."""
        import torch  # noqa: PLC0415 - a command's help must be quick

        there = torch.cuda.is_available()
        if self.device == "auto":
            return torch.device("cuda" if there else "cpu")
        try:
            device = torch.device(self.device)
        except RuntimeError as error:
            raise BadRecipe(f"device {self.device!r} is unknown to PyTorch; expected auto, cpu or cuda") from error
        if device.type == "cuda" and not there:
            raise BadRecipe(f"device {self.device}: PyTorch sees no GPU here; use auto or cpu")
        return device

    def prepare(self, model: "Hybrid") -> None:
        """Set a model up as chosen."""
        model.model.recompute = self.recompute
        if self.compiled:
            for layer in model.model.blocks:
                layer.compile()
