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
from generators.purse import Purse, with_purse
from generators.together import Workers
from manifests.run import run
from manifests.store import Store
from tests.generators.tasks import NAMES, asks, texts

pytestmark = pytest.mark.xdist_group("machine")

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
    assert 200 <= purse.paid_calls <= 240  # what was found after the kill was paid by one who cannot tell
