"""Look for a string in the text of a dataset, and tell the story of one row: koba against a loop over the rows."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from manifests import shard
from manifests.explain import why
from manifests.manifest import Manifest, SourceRecord
from manifests.rows import Document, row_id
from manifests.run import run as make
from manifests.sampling import sample
from manifests.search import grep
from manifests.stage import Recipe, Rule, Rules, at_most
from manifests.store import Store
from manifests.view import View
from tests.benchmarks.harness import Result, rates

UNITS, ROWS, NEEDLE = 4, 8_000, "a needle in a haystack"


@dataclass(frozen=True)
class Texts:
    """Documents of 1 to 6 kB; one in a thousand holds the needle."""

    seed: int
    file: str = "synthetic"

    @property
    def key(self) -> int:
        return self.seed

    def rows(self) -> Iterator[Document]:
        chance = random.Random(self.seed)
        words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 11))) for _ in range(4_000)]
        for number in range(ROWS):
            text = " ".join(chance.choices(words, k=chance.randint(150, 900)))
            text += f" {NEEDLE}" if number % 1_000 == 0 else ""
            identity = row_id("document", "synthetic", f"{self.seed}/{number}")
            yield Document(id=identity, text=text, language="en", url=f"https://site{number % 99}.example/{number}")


@dataclass(frozen=True)
class Source:
    """All the units."""

    def units(self, _store: Store) -> list[Texts]:
        return [Texts(seed) for seed in range(UNITS)]

    def records(self) -> tuple[SourceRecord, ...]:
        return ()

    def locations(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class Short(Rules):
    """Texts of some size: drops one in eight."""

    max_chars: int = 5_300

    def rules(self) -> tuple[Rule, ...]:
        return at_most("short/chars", "short/chars", self.max_chars)

    def measure(self, row: Document) -> dict[str, float]:
        return {"short/chars": len(row.text)}


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        manifest = make(Recipe("bench", (Short(),)), Source(), store=store).manifest
        size_mb = sum(len(row.text.encode()) for row in View(store, manifest)) / 1e6
        assert koba_lines(store, manifest) == loop_lines(store, manifest) > 0
        ours, loop = rates(size_mb, lambda: koba_lines(store, manifest), lambda: loop_lines(store, manifest))
        kept = next(iter(View(store, manifest))).id
        dropped = sample(store, manifest, 1, seed=0, dropped=True)[0].row_id
        stories = rates(1, lambda: why(store, kept, manifest), lambda: why(store, dropped, manifest))
    return [
        Result("grep of a fixed string, objects verified", "MB/s", ours, loop, "Python `in` over Arrow", ">= 300 MB/s"),
        Result("why of a kept row", "stories/s", stories[0]),
        Result("why of a dropped row", "stories/s", stories[1]),
    ]


def koba_lines(store: Store, manifest: Manifest) -> int:
    return sum(1 for _ in grep(store, manifest, NEEDLE, fixed=True))


def loop_lines(store: Store, manifest: Manifest) -> int:
    tables = (shard.read_parquet(store.get(entry.shard), ["text"]) for entry in manifest.entries)
    return sum(NEEDLE in text for table in tables for text in table["text"].to_pylist())
