"""A crew: long-lived workers on Ray, each a process that keeps what it loaded, with several items at once in threads.

A worker is given items once it is up, so that one for which the cluster has no room costs nothing. One that dies is
replaced, and what it was at is begun again. Ray itself is handed in.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from manifests.errors import Incomplete, KobaError, WorkerLost
from manifests.flight import RETRIES

SUSPECT = 2  # deaths after which an item gets a worker to itself: it may be what kills them


@dataclass(eq=False)
class Member:
    """A worker, and the references of what it is at."""

    actor: Any
    rising: Any | None  # lands when the worker is up; None: it is
    at: set[Any] = field(default_factory=set)
    alone: bool = False  # it is at a suspect


class Crew:
    """So many workers, replaced as they die."""

    def __init__(self, ray: Any, actors: int | None, units: int, gpus: float) -> None:
        """Start the workers; each has `gpus` where the cluster has any, and its share of the cores."""
        self.ray, self.units = ray, units
        there = ray.cluster_resources().get("GPU", 0)
        gpus = gpus if there else 0
        nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
        actors = actors or max(1, int(there / gpus) if gpus else len(nodes))
        self.hire = ray.remote(Worker).options(
            max_concurrency=units,
            num_cpus=1 if gpus else _cores(nodes, actors),
            num_gpus=gpus,
        )
        self.falls = 0  # in a row, of workers that never came up
        self.function: tuple[int, Any] = (0, None)
        self.members = [self._hired() for _ in range(actors)]

    def take(self, function: Callable[[Any], Any]) -> None:
        """Say what is to be done with items from now on. Who is still at an abandoned one is replaced."""
        self.function = self.function[0] + 1, self.ray.put(function)
        for member in [one for one in self.members if one.at]:
            self._replace(member)

    def launch(self, item: Any, deaths: int) -> Any | None:
        """Give an item to the least busy worker; a suspect only to an idle one, which then gets nothing more."""
        if not self.members:
            raise Incomplete(f"no worker came up in {RETRIES + 1} attempts; the cluster's logs say why")
        suspect = deaths >= SUSPECT
        most = 1 if suspect else self.units
        able = [one for one in self.members if one.rising is None and not one.alone and len(one.at) < most]
        if not able:
            return None
        member = min(able, key=lambda one: len(one.at))
        member.alone = suspect
        reference = member.actor.call.remote(*self.function, item)
        member.at.add(reference)
        return reference

    def coming(self) -> list[Any]:
        """Return what lands when a worker is up."""
        return [member.rising for member in self.members if member.rising is not None]

    def landed(self, reference: Any, *, lost: bool) -> None:
        """Take note of an item that is done, or of a worker that is up; replace one that died."""
        for member in [one for one in self.members if reference in one.at or reference is one.rising]:
            if lost:
                self._replace(member)
            elif reference is member.rising:
                member.rising, self.falls = None, 0
            else:
                member.at.discard(reference)
                member.alone = False

    def _replace(self, member: Member) -> None:
        self.members.remove(member)
        self.ray.kill(member.actor)  # one that is cut off from us must not keep its GPU
        self.falls = self.falls + 1 if member.rising is not None else 0
        if self.falls <= RETRIES:
            self.members.append(self._hired())

    def _hired(self) -> Member:
        actor = self.hire.remote()
        return Member(actor, actor.__ray_ready__.remote())


class Worker:
    """What runs in the process of a worker: the function, unpickled once, so that its threads share what it holds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._number = 0
        self._function: Callable[[Any], Any] | None = None

    def call(self, number: int, function: Callable[[Any], Any], item: Any) -> Any:
        """Return `function(item)`; the function that came first under its number is the one that is called.

        A worker that can do no more ends here: what it is at is begun again in another one.
        """
        with self._lock:
            if self._function is None or self._number != number:
                self._number, self._function = number, function
            shared = self._function
        try:
            return shared(item)
        except KobaError as error:
            if isinstance(error, WorkerLost) or isinstance(error.__cause__, WorkerLost):
                os._exit(1)
            raise


def _cores(nodes: list[float], actors: int) -> int:
    """Return how many cores each of so many workers can have, spread evenly over nodes with so many; at least one."""
    able = [cores for cores in nodes if cores >= 1]
    return max(1, int(min(able, default=1)) // -(-actors // max(1, len(able))))
