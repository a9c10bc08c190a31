"""What is measured in each step, for TensorBoard: `tensorboard --logdir runs`."""

from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from trainer.loop import Progress

SHOWN = ("loss", "learning_rate", "gradient_norm", "tokens", "tokens_per_s", "mfu")


class Board:
    """A log in `<folder>/tensorboard`; `step` is what `train` calls.

    A training that goes on writes over what it does again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tensorboard"
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer:
            self._writer.close()

    def step(self, now: Progress) -> None:
        """Write down one step."""
        if self._writer is None:
            self._writer = SummaryWriter(str(self.folder), purge_step=now.step)
        for name in SHOWN:
            self._writer.add_scalar(f"training/{name}", getattr(now, name), now.step)
