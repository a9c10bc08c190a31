"""How a training goes, for the person who waits: loss, tokens/s and time left, on stderr, where that is a terminal."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainer.train import Progress as Measured

SMOOTH = 0.9  # share of the past in the loss and the speed that are shown


class LossBar:
    """One bar over all steps; `step` is what `train` calls."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}, {task.fields[speed]:,.0f} tokens/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, loss=float("nan"), speed=0.0)
        self._loss: float | None = None
        self._speed = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, now: Measured) -> None:
        """Move the bar on by one step."""
        if self._loss is None:
            self._loss, self._speed = now.loss, now.tokens_per_s
        self._loss = SMOOTH * self._loss + (1 - SMOOTH) * now.loss
        self._speed = SMOOTH * self._speed + (1 - SMOOTH) * now.tokens_per_s
        self._bar.update(self._task, total=now.steps, completed=now.step, loss=self._loss, speed=self._speed)
