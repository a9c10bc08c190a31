"""Ray: a `map` over shards on all cores of this machine or on a cluster. The only module that imports ray.

    run(recipe(), source, store=store, map=ray_map(workers=8))             # a task for each shard
    run(recipe(), source, store=store, map=actor_map(actors=2, gpus=1))    # two workers that keep their engines

Ray starts on first use, on this machine; in a job of a cluster it is that cluster.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any

from tenacity import Retrying, retry_if_exception_message, stop_after_attempt

from manifests.crew import Crew
from manifests.flight import RETRIES, Flight, cause_of
from manifests.shuffle import Merge, Split

BATCHES = 1_000  # of items of a shuffle
STARTS = 4  # of Ray on this machine, which may be busy


class RayMap:
    """A function over items, each a Ray task; results come back in the order of the items."""

    distributed = True

    def __init__(self, workers: int | None = None, address: str | None = None, memory_bytes: int | None = None) -> None:
        """Take a bound on tasks in flight (default: all cores), a cluster's address and what one task may need.

        `address` "auto" is the cluster that this process runs in; `memory_bytes` is a hint for Ray's scheduler.
        """
        self.workers, self.address, self.memory_bytes = workers, address, memory_bytes

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield `function(item)` for each item.

        What raises a KobaError or an OSError costs its own item only: the others are finished first, then Incomplete is
        raised with the first cause. Bounded: at most twice `workers` tasks wait or run.
        """
        queue = list(items)
        if not queue:
            return
        ray = started(self.workers, self.address)
        slots = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield from Flight(ray, queue, _Tasks(ray, function, 2 * slots, self.memory_bytes)).results()

    def shuffle(self) -> "RayShuffle":
        """Return a shuffle between the same workers."""
        return RayShuffle(started(self.workers, self.address))


class ActorMap:
    """A function over items in long-lived workers, each at several items at once in threads that share an engine."""

    distributed = True

    def __init__(self, actors: int | None = None, units: int = 4, gpus: float = 0, address: str | None = None) -> None:
        """Take how many workers, how many items at once in each, and the GPUs of each where the cluster has any.

        Without a number: one for each GPU that is asked for and there, or else one for each node.
        """
        self.actors, self.units, self.gpus, self.address = actors, units, gpus, address
        self._crew: Crew | None = None

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield `function(item)` for each item, as `RayMap` does. The workers stay for the next call.

        One that dies is replaced, and what it was at is begun again. Bounded: `actors` times `units` items run.
        """
        queue = list(items)
        if not queue:
            return
        ray = started(max(self.actors or 1, os.cpu_count() or 1), self.address)
        if self._crew is None or self._crew.ray is not ray:
            self._crew = Crew(ray, self.actors, self.units, self.gpus)
        self._crew.take(function)
        yield from Flight(ray, queue, self._crew).results()

    def tally(self) -> "RayTally":
        """Return sums that the workers may add to, on the same Ray."""
        return RayTally(started(max(self.actors or 1, os.cpu_count() or 1), self.address))

    def shuffle(self) -> "RayShuffle":
        """Return a shuffle by tasks beside the workers."""
        return RayShuffle(started(max(self.actors or 1, os.cpu_count() or 1), self.address))


class RayShuffle:
    """A shuffle (`manifests.shuffle`) by Ray: payloads move through its object store, which spills them to disk.

    What is lost with a worker is made again by Ray, from the tasks that made it.
    """

    def __init__(self, ray: Any) -> None:
        self.ray = ray

    def __call__(
        self, split: Split, merge: Merge, items: Iterable[tuple[Any, ...]], parts: int
    ) -> list[tuple[Any, Any]]:
        """Return for each part the handle of what was kept, and what was told.

        Raises what `split` or `merge` raised first, or Incomplete where workers die again and again.
        """
        splitter, merger = self.ray.put(split), self.ray.put(merge)
        cut = self.ray.remote(_cut).options(num_returns=parts, max_retries=RETRIES, num_cpus=1)
        join = self.ray.remote(_join).options(num_returns=2, max_retries=RETRIES, num_cpus=1)
        payloads = [_list(cut.remote(splitter, parts, len(batch), *chain(*batch))) for batch in _batches([*items])]
        merged = [join.remote(merger, *[payload[part] for payload in payloads]) for part in range(parts)]
        del payloads
        return [(kept, self._value(told)) for kept, told in merged]

    def get(self, handles: Iterable[Any]) -> Iterator[Any]:
        """Yield what is behind each handle."""
        for handle in handles:
            yield self._value(handle)

    def _value(self, reference: Any) -> Any:
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            raise cause_of(self.ray, error) from error


class RayTally:
    """Sums that all workers add to, each told what all have added. Kept by an actor that ends with who made it."""

    def __init__(self, ray: Any) -> None:
        self._sums = ray.remote(_Sums).options(num_cpus=0).remote()

    def add(self, *amounts: float) -> tuple[float, ...]:
        """Add to the sums and return what they are now. Raises Incomplete where they are lost."""
        ray = _ray()
        try:
            return tuple(ray.get(self._sums.add.remote(amounts)))
        except ray.exceptions.RayError as error:
            raise cause_of(ray, error) from error


class _Sums:
    def __init__(self) -> None:
        self.sums: tuple[float, ...] = ()

    def add(self, amounts: tuple[float, ...]) -> tuple[float, ...]:
        self.sums = tuple([a + b for a, b in zip(self.sums or [0.0] * len(amounts), amounts, strict=True)])
        return self.sums


def ray_map(workers: int | None = None, address: str | None = None, memory_bytes: int | None = None) -> RayMap:
    """Return a `map` that runs on Ray: started here on first use, or the cluster this process belongs to."""
    return RayMap(workers, address, memory_bytes)


def actor_map(actors: int | None = None, units: int = 4, gpus: float = 0, address: str | None = None) -> ActorMap:
    """Return a `map` over workers that keep what they loaded, on the same Ray as `ray_map`."""
    return ActorMap(actors, units, gpus, address)


class _Tasks:
    """Ray's own tasks, so many in flight; Ray itself begins one again whose worker died."""

    def __init__(self, ray: Any, function: Callable[[Any], Any], most: int, memory_bytes: int | None) -> None:
        options = {"max_retries": RETRIES, "num_cpus": 1, "memory": memory_bytes}
        self.task = ray.remote(_call).options(**{name: value for name, value in options.items() if value is not None})
        self.function = ray.put(function)
        self.room = most

    def launch(self, item: Any, _deaths: int) -> Any | None:
        if not self.room:
            return None
        self.room -= 1
        return self.task.remote(self.function, item)

    def coming(self) -> list[Any]:
        return []

    def landed(self, _reference: Any, *, lost: bool) -> None:  # noqa: ARG002 - Ray has replaced the worker
        self.room += 1


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)


def _batches(items: list[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
    """Return the items in at most BATCHES runs: what is sent is counted by Ray in batches times parts."""
    size = -(-len(items) // BATCHES)
    return [items[start : start + size] for start in range(0, len(items), max(1, size))]


def _cut(split: Split, parts: int, count: int, *fields: Any) -> Any:
    """Return for each part what `count` items send it. Their fields stand side by side: Ray fetches no others."""
    width = len(fields) // count
    payloads = [split(*fields[start : start + width]) for start in range(0, len(fields), width)]
    sent = [list(part) for part in zip(*payloads, strict=True)]
    return sent[0] if parts == 1 else sent  # one return value is not taken apart


def _join(merge: Merge, *payloads: Any) -> tuple[Any, Any]:
    return merge([*chain(*payloads)])


def _list(references: Any) -> list[Any]:
    return references if isinstance(references, list) else [references]


def started(workers: int | None = None, address: str | None = None) -> Any:
    """Return ray, connected to a cluster, or to one of our own with so many slots (default: a slot for each core)."""
    ray = _ray()
    if ray.is_initialized():
        return ray
    root = str(Path(__file__).parents[1])
    paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    address = address or ("auto" if in_cluster() else None)
    local: dict[str, Any] = {}
    if address is None:
        local = {"num_cpus": workers or os.cpu_count(), "include_dashboard": False}
    patient = Retrying(
        retry=retry_if_exception_message(match=".*timed out during startup"),  # its limit of 30 s cannot be set
        stop=stop_after_attempt(STARTS),
        before_sleep=lambda _: ray.shutdown(),
        reraise=True,
    )
    patient(
        ray.init,
        address=address,
        logging_level=logging.ERROR,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": paths}} if address is None else None,
        **local,
    )
    return ray


def in_cluster() -> bool:
    """Tell whether this process belongs to a job of a cluster, or was told of one."""
    return "RAY_JOB_ID" in os.environ or "RAY_ADDRESS" in os.environ


def _ray() -> Any:
    """Import ray late: it takes a second, and reads the variables below once, while it is imported."""
    if not in_cluster() and "ray" not in sys.modules:
        _own_token()
    import ray  # noqa: PLC0415

    return ray


def _own_token() -> None:
    """Give a local Ray a token of its own: Ray 2.60 asks for one, and other programs should not share it."""
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        path = Path(tempfile.mkdtemp(prefix="koba-ray-")) / "token"
        path.touch(mode=0o600)
        path.write_text(token_hex(32))
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(path)
    os.environ["RAY_AUTH_MODE"] = "token"
