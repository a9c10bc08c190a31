"""Deduplication on real Ray: the same rows go, whatever the workers, the shards and the accidents."""

import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from dedup import components, near
from dedup.minhash import MinHashDedup
from manifests.cluster import RayMap, ray_map
from manifests.errors import Incomplete
from manifests.run import run
from manifests.shuffle import Here
from manifests.stage import Recipe
from manifests.store import Store
from tests.dedup.memory import named
from tests.dedup.test_in_a_run import Unit, decisions, documents
from tests.manifests.stages import Source


@pytest.fixture(scope="module")
def cluster():
    """Ended with the module: a second head on this machine would want the port of this one's agent."""
    yield ray_map(workers=2)
    import ray

    ray.shutdown()


@pytest.fixture
def cut_small(monkeypatch):
    """Many parts and bins, of few rows each, and components found by stars."""
    monkeypatch.setattr(near, "ALONE_ROWS", 0)
    monkeypatch.setattr(near, "PART_ROWS", 40)
    monkeypatch.setattr(near, "BIN_ROWS", 30)
    monkeypatch.setattr(components.labelled, "__defaults__", (-1,))


def texts():
    rng = random.Random(0)
    words = ["".join(rng.choices("aeioukstnrml", k=rng.randint(3, 8))) for _ in range(300)]
    made = [" ".join(rng.choices(words, k=60)) for _ in range(40)]
    for _ in range(160):
        copy = rng.choice(made).split()
        for _ in range(rng.randint(0, 2)):
            copy[rng.randrange(len(copy))] = rng.choice(words)
        made.append(" ".join(copy))
    return {f"row {number}": text for number, text in enumerate(made)}


def cut(rows, slices):
    return [documents(**dict(list(rows.items())[part::slices])) for part in range(slices)]


def outcome(folder, rows, slices, map, **fields):
    store = Store(str(folder))
    run(Recipe("all", ()), Source(cut(rows, slices)), store=store, tag="all")
    made = run(Recipe("r", (MinHashDedup(**fields),)), "all", store=store, map=map).manifest
    lines = decisions(store, made)
    return {line["id"]: (line["twin"], line["value"]) for line in lines}


def test_workers_shards_and_the_cut_into_parts_do_not_change_which_rows_go(cluster, cut_small, tmp_path):
    rows = texts()
    alone = outcome(tmp_path / "alone", rows, 1, map)
    assert len(alone) > 60
    for workers, slices in ((1, 3), (2, 5), (4, 2)):
        assert outcome(tmp_path / str(workers), rows, slices, RayMap(workers)) == alone


def test_shuffled_rows_are_the_same_dataset(cut_small, tmp_path):
    rows = texts()
    order = random.Random(1).sample(list(rows), len(rows))
    other = outcome(tmp_path / "b", {name: rows[name] for name in order}, 4, map)
    assert other == outcome(tmp_path / "a", rows, 3, map)


@dataclass(frozen=True)
class DiesOnce:
    """Kills its process the first time that it is called with an item."""

    folder: str

    def __call__(self, number):
        self._die(f"split {number}")
        return [[number * 10 + part] for part in range(3)]

    def merge(self, payloads):
        self._die(f"merge {payloads[0][0]}")
        return [number for payload in payloads for number in payload], len(payloads)

    def _die(self, name):
        marker = Path(self.folder) / name
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_shuffle_whose_every_worker_dies_once_gives_what_a_quiet_one_gives(cluster, tmp_path):
    fails = DiesOnce(str(tmp_path))
    shuffle = cluster.shuffle()
    found = shuffle(fails, fails.merge, [(1,), (2,)], 3)
    assert list(shuffle.get(kept for kept, _ in found)) == [[10, 20], [11, 21], [12, 22]]
    assert [told for _, told in found] == [2, 2, 2]
    assert len(list(tmp_path.iterdir())) == 5
    again = Here()(fails, fails.merge, [(1,), (2,)], 3)
    assert again == [([10, 20], 2), ([11, 21], 2), ([12, 22], 2)]


def broken(number):
    raise OSError(f"no disk under {number}")


def test_what_a_worker_raises_is_raised_here(cluster):
    with pytest.raises(OSError, match="no disk under 7"):
        cluster.shuffle()(broken, len, [(7,)], 1)
    with pytest.raises(Incomplete, match="ZeroDivisionError"):
        cluster.shuffle()(lambda _: [0], lambda payloads: 1 / payloads[0], [(7,)], 1)


def test_what_was_kept_goes_from_worker_to_worker(cluster):
    shuffle = cluster.shuffle()
    first = shuffle(lambda n: [n, 2 * n], lambda payloads: (payloads, None), [(1,), (2,)], 2)
    second = shuffle(
        lambda payloads: [sum(payloads)], lambda sums: (None, list(sums)), [(kept,) for kept, _ in first], 1
    )
    assert second[0][1] == [3, 6]


def test_items_that_are_sent_together_arrive_in_their_order(cluster, monkeypatch):
    monkeypatch.setattr("manifests.cluster.BATCHES", 2)
    items = [(number,) for number in range(5)]
    found = cluster.shuffle()(lambda n: [n, 10 * n], lambda payloads: (None, list(payloads)), items, 2)
    assert [told for _, told in found] == [[0, 1, 2, 3, 4], [0, 10, 20, 30, 40]]


def test_a_slice_without_rows_costs_nothing(cut_small, tmp_path):
    rows = texts()
    store = Store(str(tmp_path))
    units = [*cut(rows, 2), Unit(()), documents(x="alone here")]
    run(Recipe("all", ()), Source(units), store=store, tag="all")
    made = run(Recipe("r", (MinHashDedup(),)), "all", store=store).manifest
    assert named("x") not in {line["id"] for line in decisions(store, made)}
