"""How a run goes, for the person who waits: bars with rates and time left, on stderr, where that is a terminal."""

import io
import os
import sys
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Gauge(Protocol):
    """Who knows how it goes inside of the units that are not done yet."""

    def begin(self, share: float) -> None:
        """Hear that a part begins, of which so large a share is left to do."""

    def reading(self) -> str:
        """Return what to show in place of the rows of finished units; "" where there is nothing to say."""

    def seconds_left(self) -> float | None:
        """Return the time until the part is done, or None where that cannot be told."""


class Bars:
    """A `Watcher` that draws one bar for each part of a recipe."""

    def __init__(self, quiet: bool = False, gauge: Gauge | None = None) -> None:
        self._end = _own_stderr()
        self.console = Console(file=self._end, stderr=True, quiet=quiet)
        self.gauge = gauge
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Inside(gauge),
            _TimeLeft(gauge),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
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
        if self._end is not None:
            self.console.file = sys.stderr
            self._end.close()

    def part(self, title: str, units: int, reused: int) -> None:
        """Begin the bar of a part."""
        self._finish()
        self._rows_in = self._rows_out = 0
        if self.gauge:
            self.gauge.begin((units - reused) / max(1, units))
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


class _Inside(ProgressColumn):
    """The gauge's reading while a part runs, the rows of its finished units where there is none."""

    max_refresh = 0.5

    def __init__(self, gauge: Gauge | None) -> None:
        super().__init__()
        self.gauge = gauge

    def render(self, task: Task) -> Text:
        read = "" if task.finished or self.gauge is None else self.gauge.reading()
        return Text(read or task.fields["rows"])


class _TimeLeft(TimeRemainingColumn):
    """The time that the gauge foresees, or else that of the units; in the end the time that it took."""

    def __init__(self, gauge: Gauge | None) -> None:
        super().__init__(elapsed_when_finished=True)
        self.gauge = gauge

    def render(self, task: Task) -> Text:
        left = None if task.finished or self.gauge is None else self.gauge.seconds_left()
        if left is None:
            return super().render(task)
        return Text(str(timedelta(seconds=round(left))), style="progress.remaining")


def _own_stderr() -> io.TextIOWrapper | None:
    """Return a way of our own to stderr, for what a library says may be kept from the common one; None: there is none.

    A test's stderr, say, is no file.
    """
    try:
        end = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return None
    return io.TextIOWrapper(
        io.FileIO(end, "w"), encoding="utf-8", errors="replace", line_buffering=True, write_through=True
    )
