"""Of a problem's solutions, those that reason differently: rejection sampling keeps distinct lists of equations.

paths/same      a solution with the same equations, in the same order, is there already: its twin
paths/enough    the problem has as many solutions as are wanted
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from generators.calculator import annotations, equations
from generators.candidates import sets
from generators.solving import PROBLEM
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Stage


@dataclass(frozen=True, slots=True)
class DistinctPaths(Stage):
    """Keep the first solution of each list of equations (Yuan et al. 2023); of none, of each text."""

    version: ClassVar[int] = 1

    most: int | None = None  # solutions of a problem; None: all that differ

    def __call__(self, rows: Iterable[Document]) -> Iterator[Kept | Rejected]:
        for solutions in sets(rows):
            seen: dict[tuple[str, ...], bytes] = {}
            for row in solutions:
                path = path_of(row.text.removeprefix(row.labels.get(PROBLEM, "")))
                if path in seen:
                    yield Rejected(row, "paths/same", twin=seen[path])
                elif self.most is not None and len(seen) >= self.most:
                    yield Rejected(row, "paths/enough", float(len(seen)), float(self.most))
                else:
                    seen[path] = row.id
                    yield Kept(row, {"paths/steps": float(len(path))})


def path_of(solution: str) -> tuple[str, ...]:
    """Return the equations of a solution without blanks, or its words where it has none."""
    sums = [one.said for one in annotations(solution)] or [one.said for one in equations(solution)]
    return tuple(["".join(said.split()) for said in sums]) or tuple(solution.split())
