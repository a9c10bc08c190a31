"""Small stages and sources that the tests of the ground are made of."""

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np

from manifests.cuts import Cuts
from manifests.rows import Document, Row, row_id
from manifests.stage import Drop, Rejected, Rule, Rules, Selected, Selection, Stage, at_most


@dataclass(frozen=True)
class Numbers:
    """A unit of documents "<n> <n> ...", each with the number as its locator."""

    start: int
    stop: int

    @property
    def key(self) -> list[int]:
        return [self.start, self.stop]

    @property
    def file(self) -> str:
        return f"numbers {self.start}-{self.stop}"

    def rows(self) -> Iterator[Row | Rejected]:
        for n in range(self.start, self.stop):
            yield number(n)


def number(n: int) -> Document:
    """The document of a number: even ones are English, odd ones Japanese; its length grows with the number."""
    return Document(
        id=row_id("document", "numbers", str(n)),
        source="numbers",
        url=f"https://www.site{n % 3}.example/{n}",
        language="ja" if n % 2 else "en",
        text=" ".join([str(n)] * (n % 50 + 1)),
    )


@dataclass(frozen=True)
class Source:
    """Any units."""

    parts: tuple[object, ...]

    def units(self, _store: object) -> tuple[object, ...]:
        return self.parts

    def records(self) -> tuple[()]:
        return ()

    def locations(self) -> dict[str, str]:
        return {}


def numbers(*bounds: int) -> Source:
    """Units of numbers between the bounds: numbers(0, 10, 20) are two units of ten."""
    return Source(tuple(Numbers(start, stop) for start, stop in pairwise(bounds)))


@dataclass(frozen=True, slots=True)
class Length(Rules):
    """Texts of so many characters at most."""

    max_chars: int = 100

    def rules(self) -> tuple[Rule, ...]:
        return at_most("length/too_long", "length/chars", self.max_chars)

    def measure(self, row: Document) -> dict[str, float]:
        return {"length/chars": len(row.text)}


@dataclass(frozen=True, slots=True)
class Shout(Stage):
    """English in capitals: a dear stage that alters rows."""

    dear: ClassVar[bool] = True

    def __call__(self, rows):
        for row in rows:
            yield row.replace(text=f"SHOUT {row.text}") if row.language == "en" else row


@dataclass(frozen=True, slots=True)
class Copies(Stage):
    """Several rows from each."""

    n: int = 2

    def __call__(self, rows):
        for row in rows:
            for candidate in range(self.n):
                yield row.derive(text=f"{row.text} #{candidate}", candidate=candidate)


@dataclass(frozen=True, slots=True)
class SameLast(Selection):
    """One row for each last character of the text: the one with the smallest id."""

    def rules(self):
        return at_most("same/last", "same/share", 0.5)

    def select(self, view, map):  # noqa: ARG002
        seen = {}
        found = [
            (row.id, row.text[-1:], part.ordinal, place)
            for part in view.slices
            for place, row in enumerate(part.rows())
        ]
        for row_id_, last, _, _ in sorted(found):
            seen.setdefault(last, row_id_)
        return Selected(
            [
                Drop(ordinal, place, "same/last", 1.0, 0.5, seen[last])
                for row_id_, last, ordinal, place in found
                if seen[last] != row_id_
            ]
        )


@dataclass(frozen=True, slots=True)
class CutWord(Selection):
    """Takes a word out of all texts but the first one that has it, and names that one."""

    word: str

    def select(self, view, map):  # noqa: ARG002
        twin, cuts = None, []
        for part in view.slices:
            spans = []
            for place, row in enumerate(part.rows()):
                found = [match.span() for match in re.finditer(re.escape(self.word), row.text)]
                spans += [(place, *span) for span in found if twin]
                twin = twin or (row.id if found else None)
            rows, starts, stops = np.array(spans, np.int64).reshape(-1, 3).T
            twins = np.frombuffer(twin * len(spans), np.uint8).reshape(-1, 16) if spans else None
            cuts.append(Cuts(part.ordinal, "word/repeated", "word/nothing_left", rows, starts, stops, twins))
        return Selected((), cuts=cuts)


@dataclass(frozen=True, slots=True)
class Loses(Stage):
    """A faulty stage: it swallows one row."""

    def __call__(self, rows):
        for place, row in enumerate(rows):
            if place != 3:
                yield row


@dataclass(frozen=True, slots=True)
class Repeats(Stage):
    """A faulty stage: it yields each row twice."""

    def __call__(self, rows):
        for row in rows:
            yield row
            yield row


@dataclass(frozen=True, slots=True)
class Counts(Stage):
    """Writes a line to a file for each row it is given, so that a test can see what was made again."""

    path: str
    sleep_s: float = 0.0

    def __call__(self, rows):
        for row in rows:
            with Path(self.path).open("a") as file:
                file.write(f"{row.hex}\n")
            time.sleep(self.sleep_s)
            yield row


@dataclass(frozen=True, slots=True)
class Dies(Stage):
    """Kills its own process with kill -9, as long as a file is missing; makes the file first if told to."""

    path: str
    once: bool = True

    def __call__(self, rows):
        for row in rows:
            if row.text.startswith("7 ") and not Path(self.path).exists():
                if self.once:
                    Path(self.path).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield row


@dataclass(frozen=True, slots=True)
class Breaks(Stage):
    """Raises on one unit, as long as a file is missing."""

    path: str

    def __call__(self, rows):
        for row in rows:
            if row.text.startswith("7 ") and not Path(self.path).exists():
                message = "disk on fire"
                raise OSError(message)
            yield row


@dataclass(frozen=True, slots=True)
class Surrogate(Stage):
    """A faulty stage: one of its texts cannot be written as UTF-8."""

    def __call__(self, rows):
        for row in rows:
            yield row.replace(text="\ud800") if row.text.startswith("3 ") else row
