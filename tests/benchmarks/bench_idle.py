"""How much of an engine stands idle while work is left, on segments of mixed lengths in shards of uneven length.

The engine here sleeps in proportion to the length of what it is asked, so that it is koba that is measured: the share
of its places that were empty between the first request and the last one's start. Time it spends elsewhere is in it.
What vLLM itself makes of it, by its steps: `python -m tests.benchmarks engine`.
"""

import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from generators.engine import Reply, Request, Sampling
from generators.generate import Generate
from generators.places import close_all
from generators.segments import Segments
from generators.together import Threads
from generators.translate import into
from generators.weights import Model
from manifests.run import run as make
from manifests.stage import Recipe
from manifests.store import Store
from tests.benchmarks.harness import Result
from tests.generators.tasks import Texts
from tests.manifests.stages import Source

SENTENCE = "The little factory by the river makes a new dataset every night, and nobody has ever seen its keeper."
SHARDS = (1, 2, 3, 5, 8, 13, 21, 34)  # rows of each
CAPACITY = 16
S_PER_CHAR = 1.5e-4


@dataclass(frozen=True, eq=False)
class Sleeper:
    """Where a model answers after a sleep, and notes when it did."""

    turns: list[tuple[float, float]] = field(default_factory=list)

    def open(self, _model: Model) -> "Sleeping":
        return Sleeping(self.turns)


class Sleeping:
    """The engine of a Sleeper."""

    capacity = CAPACITY

    def __init__(self, turns: list[tuple[float, float]]) -> None:
        self.turns = turns
        self._threads = ThreadPoolExecutor(CAPACITY)

    def submit(self, request: Request) -> Future[Reply]:
        return self._threads.submit(self._reply, request)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _reply(self, request: Request) -> Reply:
        start = time.monotonic()
        time.sleep(len(request.prompt) * S_PER_CHAR)
        self.turns.append((start, time.monotonic()))
        return Reply(f"返事 {request.seed}", "stop", len(request.prompt) // 4, 4)


def shards() -> tuple[Texts, ...]:
    """Return documents of 1 to 12 paragraphs of 1 to 20 sentences."""
    draw = random.Random(1)
    numbers = iter(range(sum(SHARDS)))
    return tuple([Texts(tuple([_document(draw, next(numbers)) for _ in range(rows)])) for rows in SHARDS])


def _document(draw: random.Random, number: int) -> str:
    paragraphs = [[draw.random() for _ in range(draw.randint(1, 20))] for _ in range(draw.randint(1, 12))]
    return "\n\n".join([" ".join([f"{SENTENCE} That is {n:.6f}, page {number}." for n in one]) for one in paragraphs])


def idle_share(turns: list[tuple[float, float]]) -> float:
    """Return the share of the engine that was empty until the last request began: after that nothing waits."""
    first, last = min(turns)[0], max(turns)[0]
    busy = sum([min(end, last) - start for start, end in turns])
    return 1 - busy / (CAPACITY * (last - first))


def share_with(over: Callable[..., object], given: tuple[Texts, ...] | None = None) -> float:
    """Return the idle share of a run over a `map`."""
    place = Sleeper()
    stage = Generate(into("ja"), "echo", Sampling(n=2), Segments(), engine=place)
    with tempfile.TemporaryDirectory() as folder:
        make(Recipe("bench", (stage,)), Source(given or shards()), store=Store(folder), map=over)
    close_all()
    return idle_share(place.turns)


def run() -> list[Result]:
    """Return the idle share with units in threads, and with one shard after the other."""
    share_with(map, shards()[:3])  # what is imported on first use is not waited for again
    ours, peer = share_with(Threads()), share_with(map)
    what = f"engine idle while requests wait, {sum(SHARDS)} documents in {len(SHARDS)} shards"
    return [Result(what, "of its time", ours, peer, "one shard after the other", "< 0.05")]
