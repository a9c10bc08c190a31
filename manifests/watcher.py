"""Who is told how a run goes: a progress bar, a log, or nobody."""

from typing import Protocol


class Watcher(Protocol):
    """Who is told how a run goes."""

    def part(self, title: str, units: int, reused: int) -> None:
        """Hear that a part of the recipe begins: so many units, some of which exist already."""

    def unit(self, rows_in: int, rows_out: int) -> None:
        """Hear that one unit of the part is done."""

    def say(self, text: str) -> None:
        """Hear something that the user should know."""


class Silent:
    """Tells nobody."""

    def part(self, title: str, units: int, reused: int) -> None:
        pass

    def unit(self, rows_in: int, rows_out: int) -> None:
        pass

    def say(self, text: str) -> None:
        pass
