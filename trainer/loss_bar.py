"""How a training goes, for the person who waits, on stderr, where that is a terminal.

Loss, gradient norm, tokens/s, MFU and the time left.
"""

import sys
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainer.loop import Progress as Measured

SMOOTH = 0.9  # share of the past in what is shown


class LossBar:
    """One bar over all steps; `step` is what `train` calls."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}, gradient norm {task.fields[norm]:.2f}"),
            TextColumn("{task.fields[speed]:,.0f} tokens/s, MFU {task.fields[mfu]:.0%}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, loss=float("nan"), norm=0.0, speed=0.0, mfu=0.0)
        self._shown: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, now: Measured) -> None:
        """Move the bar on by one step."""
        found = {"loss": now.loss, "norm": now.gradient_norm, "speed": now.tokens_per_s, "mfu": now.mfu}
        self._shown = {
            name: SMOOTH * self._shown.get(name, value) + (1 - SMOOTH) * value for name, value in found.items()
        }
        self._bar.update(self._task, total=now.steps, completed=now.step, **self._shown)
