"""Real Ray, started once for this module."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import ClassVar

import pytest

from manifests.cluster import actor_map, ray_map
from manifests.errors import BadRecipe, Incomplete, WorkerLost
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.manifests.stages import Breaks, Dies, Length, SameLast, Shout, numbers
from tests.patience import until

RECIPE = Recipe("r", (Shout(), Length(60), SameLast()))


@pytest.fixture(scope="module")
def cluster():
    return ray_map(workers=2)


@dataclass(frozen=True)
class Square:
    folder: str

    def __call__(self, n):
        mine = Path(self.folder) / str(n)
        mine.touch()
        time.sleep(0.02)
        running = len(list(Path(self.folder).iterdir()))
        mine.unlink()
        return n * n, running


def test_results_come_in_the_order_of_the_items_and_the_number_in_flight_is_bounded(cluster, tmp_path):
    results = list(cluster(Square(str(tmp_path)), range(20)))
    assert [square for square, _ in results] == [n * n for n in range(20)]
    assert max(running for _, running in results) <= 4


def test_no_items_start_no_ray():
    assert list(ray_map()(Square(""), [])) == []


def test_a_run_on_ray_is_the_run_of_one_process(cluster, tmp_path):
    bounds = range(0, 60, 10)
    alone = run(RECIPE, numbers(*bounds), store=Store(str(tmp_path / "a"))).manifest
    spread = run(RECIPE, numbers(*bounds), store=Store(str(tmp_path / "b")), map=cluster).manifest
    assert spread.id == alone.id


def test_a_killed_worker_is_replaced_and_its_shard_made_again(cluster, tmp_path):
    recipe = Recipe("r", (Dies(str(tmp_path / "died")),))
    made = run(recipe, numbers(0, 5, 10, 15), store=Store(str(tmp_path / "s")), map=cluster).manifest
    assert (tmp_path / "died").exists()
    assert made.rows == 15


def test_any_missing_shard_is_an_error_after_the_others_are_finished(cluster, tmp_path):
    store, mended = Store(str(tmp_path / "s")), tmp_path / "mended"
    recipe = Recipe("r", (Breaks(str(mended)),))
    with pytest.raises(Incomplete, match="1 of 4 units are missing; the first, numbers 5-10: disk on fire"):
        run(recipe, numbers(0, 5, 10, 15, 20), store=store, map=cluster, tag="r")
    assert store.head("r") is None
    mended.touch()
    made = run(recipe, numbers(0, 5, 10, 15, 20), store=store, map=cluster, tag="r")
    assert (made.made, made.reused, made.manifest.rows) == (1, 3, 20)


def test_a_shard_that_always_kills_its_worker_is_missing_and_named(cluster, tmp_path):
    recipe = Recipe("r", (Dies(str(tmp_path / "never"), once=False),))
    with pytest.raises(Incomplete, match="numbers 5-10"):
        run(recipe, numbers(0, 5, 10), store=Store(str(tmp_path / "s")), map=cluster)


def test_a_store_that_only_this_process_sees_is_refused(cluster):
    with pytest.raises(BadRecipe, match="lives in this process only"):
        run(RECIPE, numbers(0, 5), store=Store("memory://alone"), map=cluster)


@pytest.fixture(scope="module")
def crew(cluster):
    list(cluster(str, [1]))  # one Ray for all tests
    return actor_map(actors=2, units=3)


class Engine:
    """What a worker loads once: it counts who uses it at the same time."""

    def __init__(self) -> None:
        self.lock, self.now, self.most = Lock(), 0, 0


@dataclass(frozen=True)
class Uses:
    """Use the engine of the process until so many have used it at the same time."""

    held: ClassVar[Engine] = Engine()
    crowd: int = 1

    def __call__(self, n):
        engine = self.held
        with engine.lock:
            engine.now += 1
            engine.most = max(engine.most, engine.now)
        until(lambda: engine.most >= self.crowd)
        with engine.lock:
            engine.now -= 1
            return n, os.getpid(), engine.most


@dataclass(frozen=True)
class Kills:
    """Kill the worker at some items: each time, or until there is a file that says it was done."""

    folder: str
    killers: tuple[int, ...]
    once: bool = True
    how: str = "signal"

    def __call__(self, n):
        done = Path(self.folder) / f"killed {n}"
        if n in self.killers and not (self.once and done.exists()):
            done.touch()
            time.sleep(0.1)  # for the others to begin
            if self.how == "signal":
                os.kill(os.getpid(), signal.SIGKILL)
            raise Incomplete("an engine is gone") from WorkerLost("CUDA error")
        time.sleep(0.02)
        return n


def test_workers_stay_and_share_what_they_hold_among_a_bounded_number_of_items(crew):
    first, second = [list(crew(Uses(crowd=3), range(24))) for _ in range(2)]
    assert [n for n, _, _ in first + second] == [*range(24), *range(24)]
    assert {pid for _, pid, _ in first} == {pid for _, pid, _ in second}
    assert len({pid for _, pid, _ in first}) == 2
    assert {most for _, _, most in second} == {3}


def test_a_run_on_workers_is_the_run_of_one_process(crew, tmp_path):
    bounds = range(0, 60, 10)
    alone = run(RECIPE, numbers(*bounds), store=Store(str(tmp_path / "a"))).manifest
    spread = run(RECIPE, numbers(*bounds), store=Store(str(tmp_path / "b")), map=crew).manifest
    assert spread.id == alone.id


@pytest.mark.parametrize("how", ["signal", "engine"])
def test_a_worker_that_dies_is_replaced_and_what_it_was_at_is_made_again(crew, tmp_path, how):
    assert list(crew(Kills(str(tmp_path), (2, 9), how=how), range(14))) == list(range(14))
    assert len(list(tmp_path.iterdir())) == 2


def test_an_item_that_always_kills_its_worker_costs_no_other_item(crew, tmp_path):
    done = []
    with pytest.raises(Incomplete, match="1 of 12 units are missing; the first, 7: its worker died again and again"):
        done.extend(crew(Kills(str(tmp_path), (7,), once=False), range(12)))
    assert done == list(range(7))


def test_an_error_of_an_item_is_its_own_and_its_worker_stays(crew, tmp_path):
    store, mended = Store(str(tmp_path / "s")), tmp_path / "mended"
    recipe = Recipe("r", (Breaks(str(mended)),))
    with pytest.raises(Incomplete, match="1 of 4 units are missing; the first, numbers 5-10: disk on fire"):
        run(recipe, numbers(0, 5, 10, 15, 20), store=store, map=crew)
    mended.touch()
    made = run(recipe, numbers(0, 5, 10, 15, 20), store=store, map=crew)
    assert (made.made, made.reused) == (1, 3)


def test_a_pass_that_was_given_up_leaves_the_next_one_all_workers(crew):
    assert next(crew(Uses(), range(24)))[0] == 0
    assert [n for n, _, _ in crew(Uses(), range(6))] == list(range(6))
