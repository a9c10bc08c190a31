"""Generation when every reply is known: how fast a recipe is run again with the action cache off, no model loaded.

With a task that does nothing, which is what koba itself takes, and with the parser of paraphrase and all it measures.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from generators.engine import Sampling, Task
from generators.generate import Generate
from generators.paraphrase import styled
from manifests.rows import Document, row_id
from manifests.run import run as make
from manifests.stage import Recipe
from manifests.store import Store
from tests.benchmarks.harness import Result, rates
from tests.generators.tasks import Again
from tests.manifests.stages import Source

ROWS = 5_000
SENTENCE = "The little factory by the river makes a new dataset every night, and nobody has ever seen its keeper. "


@dataclass(frozen=True)
class Pages:
    """Documents of 400 characters; `run` is in the key, so that the action cache never knows them."""

    run: int

    @property
    def key(self) -> int:
        return self.run

    @property
    def file(self) -> str:
        return "pages"

    def rows(self) -> Iterator[Document]:
        for n in range(ROWS):
            yield Document(
                id=row_id("document", "pages", str(n)), source="pages", text=f"{n}. {SENTENCE * 4}", language="en"
            )


class Closed:
    """A place where no engine is to be had."""

    def open(self, model: object) -> None:
        message = f"{model} was loaded"
        raise AssertionError(message)


def rate_with(n: int, task: Task) -> float:
    """Return the rows a CPU second with n candidates a row."""
    stage = Generate(task, model="echo", engine="echo", sampling=Sampling(n=n))
    turns = iter(range(1_000))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)

        def once(given: Generate) -> None:
            make(Recipe("bench", (given,)), Source((Pages(next(turns)),)), store=store)

        once(stage)
        known = replace(stage, engine=Closed())
        [rate] = rates(ROWS * n, lambda: once(known), repeat=3)
    return rate


def run() -> list[Result]:
    """Return the rates with one and with 8 candidates."""
    target = ">= 10,000 rows/s a core"
    alone = [
        Result(
            f"all calls known, {n} candidate{'s' if n > 1 else ''} a row",
            "rows/s",
            rate_with(n, Again()),
            target=target,
        )
        for n in (1, 8)
    ]
    return [*alone, Result("the same with paraphrase's parser", "rows/s", rate_with(1, styled("wiki", ("en",))))]
