"""An identity stage over documents, row by row, on two workers: `run` beside Ray Data's `map` over the same Parquet.

Both run on one Ray, started before the clock; they are timed by wall clock, in turns, for the work is in the workers.
`run` also writes its ledger and commits a version; Ray Data only brings its rows into memory.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from manifests.cluster import ray_map
from manifests.manifest import SourceRecord
from manifests.rows import Document, Row, row_id
from manifests.run import run as run_recipe
from manifests.stage import Recipe, Stage
from manifests.store import Store, object_key
from tests.benchmarks.harness import Result

UNITS, ROWS = 20, 10_000
TURNS = 2


@dataclass(frozen=True)
class Texts:
    """A unit of so many documents of about a kilobyte."""

    number: int

    @property
    def key(self) -> int:
        return self.number

    @property
    def file(self) -> str:
        return f"texts {self.number}"

    def rows(self) -> Iterator[Row]:
        for n in range(self.number * ROWS, (self.number + 1) * ROWS):
            yield Document(
                id=row_id("document", "bench", str(n)),
                source="bench",
                url=f"https://www.site{n % 997}.example/{n}",
                language="en",
                licence="CC0-1.0",
                text=f"{n} the little factory makes datasets on a quiet day " * 20,
                scores={"quality": n % 10 / 10},
            )


@dataclass(frozen=True)
class Library:
    """All units."""

    def units(self, _store: object) -> list[Texts]:
        return [Texts(number) for number in range(UNITS)]

    def records(self) -> tuple[SourceRecord, ...]:
        return ()

    def locations(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class Identity(Stage):
    """Hands on each row; the turn makes each run a new one."""

    turn: int

    def __call__(self, rows):
        yield from rows


def run() -> list[Result]:
    map = ray_map(2)
    with TemporaryDirectory(prefix="koba-bench-run-") as folder:
        store = Store(folder)
        made = run_recipe(Recipe("texts", ()), Library(), store=store, map=map).manifest
        import ray.data  # only now that koba has started its own Ray

        ray.data.DataContext.get_current().enable_progress_bars = False
        paths = [str(Path(folder) / object_key(entry.shard)) for entry in made.entries]
        ours: list[float] = []
        theirs: list[float] = []
        for turn in range(TURNS + 1):
            clock = time.perf_counter()
            run_recipe(Recipe("identity", (Identity(turn),)), made.id, store=store, map=map)
            ours.append(time.perf_counter() - clock)
            clock = time.perf_counter()
            ray.data.read_parquet(paths).map(_same).materialize()
            theirs.append(time.perf_counter() - clock)
    rows = UNITS * ROWS
    return [
        Result(
            "identity over rows, 2 workers",
            "rows/s",
            rows / statistics.median(ours[1:]),
            rows / statistics.median(theirs[1:]),
            "Ray Data map",
            ">= 5x Ray Data",
        )
    ]


def _same(row: dict[str, object]) -> dict[str, object]:
    return row
