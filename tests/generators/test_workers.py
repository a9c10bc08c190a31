"""Model calls spread over workers on Ray: each keeps its engine, and none is paid twice when one is killed."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from generators import calls
from generators.compaction import listed, read_calls
from generators.echo import repeat
from generators.engine import Request, Sampling
from generators.purse import Budget, Purse, with_purse
from generators.together import Workers
from manifests.errors import Incomplete
from manifests.run import run
from manifests.store import Store
from tests.generators.tasks import NAMES, asks, texts

BATCH = 10


@dataclass(frozen=True)
class Mortal:
    """Log each request; kill the process once, when enough was committed, and note what that was."""

    folder: str
    store: str

    def __call__(self, request: Request) -> str:
        calls.BATCH_CALLS = BATCH
        with (Path(self.folder) / "log").open("a") as log:
            log.write(f"{request.seed}\n")
        death = Path(self.folder) / "committed at death"
        if request.seed % 8 == 0 and not death.exists() and len(kept := committed(self.store)) >= 3 * BATCH:
            death.write_text("\n".join(kept))
            os.kill(os.getpid(), signal.SIGKILL)
        return f"{request.seed} {repeat(request)}"


def committed(url: str) -> list[str]:
    """The seeds of the calls that are in a store; each reply begins with its own."""
    store = Store(url)
    folders = {key.rpartition("/")[0] for key in store.files.keys("calls")}
    tables = [read_calls(store, key)[0] for folder in folders for key in listed(store, folder)]
    return [text.split()[0] for table in tables for text in table["text"].to_pylist()]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A run on two workers, one of which is killed; its purse; and the same run undisturbed, in this process."""
    folder, purse = tmp_path_factory.mktemp("killed"), Purse()
    source, sampling = texts(*NAMES, units=8), Sampling(n=2)
    url = str(folder / "s")
    mortal = with_purse(asks(Mortal(str(folder), url), delay_s=0.004, capacity=4, sampling=sampling), purse)
    made = run(mortal, source, store=Store(url), map=Workers(2, purse)).manifest
    still = asks(lambda request: f"{request.seed} {repeat(request)}", sampling=sampling)
    alone = run(still, source, store=Store(str(folder / "alone"))).manifest
    return folder, made, purse, alone


def test_a_worker_killed_at_its_work_leaves_no_trace_in_the_dataset(killed):
    folder, made, _, alone = killed
    assert (folder / "committed at death").exists()
    assert made.id == alone.id


def test_no_call_that_was_committed_before_the_kill_is_made_again(killed):
    folder, made, _, _ = killed
    asked = Counter((folder / "log").read_text().split())
    before = (folder / "committed at death").read_text().split()
    assert len(before) >= 3 * BATCH
    assert [seed for seed in before if asked[seed] > 1] == []
    assert len(asked) == made.rows == 240
    assert asked.total() <= 240 + 4 * (BATCH + 4 * 4)  # of the four units of a worker: a batch, and what was on its way


def test_what_workers_pay_is_counted_where_they_were_started(killed):
    _, made, purse, _ = killed
    assert (purse.rows, purse.accepted, purse.calls) == (120, made.rows, 240)
    assert 120 <= purse.paid_calls <= 240  # four units, half of them, were at the worker that died: it cannot tell


def test_workers_pay_from_one_budget(tmp_path):
    purse, store = Purse(Budget(3_000)), Store(str(tmp_path / "s"))
    recipe, source = asks(delay_s=0.002, capacity=1, sampling=Sampling(n=2)), texts(*NAMES, units=8)
    with pytest.raises(Incomplete, match="the budget is spent"):
        run(with_purse(recipe, purse), source, store=store, map=Workers(2, purse))
    paid = tokens_of(store)
    ahead = 2 * 4 * (4 + 2)  # calls on their way: of each of the four units of a worker, four and a row's two
    assert 3_000 <= sum(paid) <= 3_000 + max(paid) * ahead + 2 * 3_000 // 1_000
    assert len(paid) < 240
    assert run(recipe, source, store=store).manifest.rows == 240  # and the next one goes on


def tokens_of(store: Store) -> list[int]:
    """The tokens of each call that a store has."""
    folders = {key.rpartition("/")[0] for key in store.files.keys("calls")}
    tables = [read_calls(store, key)[0] for folder in folders for key in listed(store, folder)]
    return [row["tokens_in"] + row["tokens_out"] for table in tables for row in table.to_pylist()]
