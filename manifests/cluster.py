"""Ray: a `map` over shards on all cores of this machine or on a cluster. The only module that imports ray.

with ray_map(workers=8) as map:
    run(recipe(), source, store=store, map=map)
"""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

from manifests.errors import Incomplete, KobaError

RETRIES = 3  # of a unit whose worker died; Ray starts a new worker each time


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
        self._start()
        yield from _Flight(function, queue, 2 * self._slots(), self.memory_bytes).results()

    def _slots(self) -> int:
        return self.workers or max(1, int(_ray().cluster_resources().get("CPU", 1)))

    def _start(self) -> None:
        ray = _ray()
        if ray.is_initialized():
            return
        root = str(Path(__file__).parents[1])
        paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        address = self.address or ("auto" if _in_cluster() else None)
        local: dict[str, Any] = {}
        if address is None:
            local = {"num_cpus": self.workers or os.cpu_count(), "include_dashboard": False}
        ray.init(
            address=address,
            logging_level=logging.ERROR,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": paths}} if address is None else None,
            **local,
        )


class _Flight:
    """Tasks in the air: a bounded number at once, and what came back too early to be handed out."""

    def __init__(self, function: Callable[[Any], Any], queue: list[Any], most: int, memory_bytes: int | None) -> None:
        self.ray = ray = _ray()
        self.queue, self.most = queue, most
        options = {"max_retries": RETRIES, "num_cpus": 1, "memory": memory_bytes}
        self.task = ray.remote(_call).options(**{name: value for name, value in options.items() if value is not None})
        self.function = ray.put(function)
        self.flying: dict[Any, int] = {}
        self.failures: list[tuple[int, Exception]] = []

    def results(self) -> Iterator[Any]:
        landed: dict[int, Any] = {}
        sent = handed = 0
        while sent < len(self.queue) or self.flying:
            while sent < len(self.queue) and len(self.flying) < self.most:
                self.flying[self.task.remote(self.function, self.queue[sent])] = sent
                sent += 1
            ready, _ = self.ray.wait(list(self.flying), num_returns=1)
            for reference in ready:
                place = self.flying.pop(reference)
                landed[place] = self._result(reference, place)
            while handed in landed:
                result = landed.pop(handed)
                handed += 1
                if not self.failures:
                    yield result
        if self.failures:
            place, cause = min(self.failures, key=lambda failure: failure[0])
            raise Incomplete(
                f"{len(self.failures)} of {len(self.queue)} units are missing; the first, {_name(self.queue[place])}: "
                f"{cause}. The others are stored: mend the cause and run the same command again"
            ) from cause

    def _result(self, reference: Any, place: int) -> Any:
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else error
            if not isinstance(cause, KobaError | OSError | MemoryError):
                cause = Incomplete(f"{type(cause).__name__}: {cause}")
            self.failures.append((place, cause))
        except self.ray.exceptions.RayError as error:  # the worker died, again and again
            self.failures.append((place, error))
        return None


def ray_map(workers: int | None = None, address: str | None = None, memory_bytes: int | None = None) -> RayMap:
    """Return a `map` that runs on Ray: started here on first use, or the cluster this process belongs to."""
    return RayMap(workers, address, memory_bytes)


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)


def _name(item: Any) -> str:
    return str(getattr(item, "file", None) or f"{item!r:.80}")


def _in_cluster() -> bool:
    return "RAY_JOB_ID" in os.environ or "RAY_ADDRESS" in os.environ


def _ray() -> Any:
    """Import ray late: it takes a second, and reads the variables below once, while it is imported."""
    if not _in_cluster() and "ray" not in sys.modules:
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
