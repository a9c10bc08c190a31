"""Real Ray, started once for this module."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifests.cluster import ray_map
from manifests.errors import BadRecipe, Incomplete
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.manifests.stages import Breaks, Dies, Length, SameLast, Shout, numbers

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
