"""How a run goes, for the person who waits: bars with rates and time left, on stderr, where that is a terminal."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)


class Bars:
    """A `Watcher` that draws one bar for each part of a recipe."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None
        self._rows_in = self._rows_out = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def part(self, title: str, units: int, reused: int) -> None:
        """Begin the bar of a part."""
        self._finish()
        self._rows_in = self._rows_out = 0
        if reused == units:
            title = f"[dim]{title} (as before)[/dim]"
        self._task = self._progress.add_task(title, total=units, completed=reused, rows="")

    def unit(self, rows_in: int, rows_out: int) -> None:
        """Move the bar on by one unit."""
        self._rows_in += rows_in
        self._rows_out += rows_out
        if self._task is not None:
            speed = self._progress.tasks[self._task].speed
            rate = ""
            if speed and self._progress.tasks[self._task].completed:
                rate = f", {speed * self._rows_in / self._progress.tasks[self._task].completed:,.0f} rows/s"
            shown = f"{self._rows_out:,} of {self._rows_in:,} rows kept{rate}"
            self._progress.update(self._task, advance=1, rows=shown)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False)

    def _finish(self) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=self._progress.tasks[self._task].total)
