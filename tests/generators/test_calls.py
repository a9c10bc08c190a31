"""The call cache: found again by key, committed in small batches, shared by whoever works in the store."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import calls as call_cache
from generators.asking import AHEAD
from generators.calls import Calls, shared
from generators.engine import Reply, Sampling
from manifests import canonical
from manifests.errors import StoreFailed
from manifests.run import run
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import NAMES, asks, driver, texts
from tests.patience import LIMIT_S

ROOT = Path(__file__).parents[2]


def key(n: int) -> bytes:
    return canonical.digest_parts(b"test", b"%d" % n)


def reply(n: int) -> Reply:
    return Reply(f"reply {n} 返事", "stop", n, n + 1, -0.25 * n, n % 3)


def filled(tmp_path, *batches: range) -> Store:
    store = Store(str(tmp_path / "s"))
    for batch in batches:
        calls = Calls(store, "scope")
        for n in batch:
            calls.put(key(n), reply(n))
        calls.flush()
    return store


def test_every_reply_is_found_again_from_any_file(tmp_path):
    calls = Calls(filled(tmp_path, range(50), range(50, 60), range(60, 300)), "scope")
    calls.refresh()
    assert [calls.get(key(n)) for n in range(300)] == [reply(n) for n in range(300)]
    assert calls.get(key(300)) is None


def test_what_others_commit_is_seen_at_the_next_refresh(tmp_path):
    store = filled(tmp_path, range(5))
    calls = Calls(store, "scope")
    calls.refresh()
    calls.put(key(7), reply(7))
    calls.flush()
    filled(tmp_path, range(10, 12))
    assert calls.get(key(10)) is None
    calls.refresh()
    assert [calls.get(key(n)) for n in (0, 7, 10, 11)] == [reply(n) for n in (0, 7, 10, 11)]


def test_little_memory_costs_time_and_no_reply(tmp_path, monkeypatch):
    monkeypatch.setattr(call_cache, "HELD_BYTES", 1)
    calls = Calls(filled(tmp_path, *[range(n, n + 10) for n in range(0, 100, 10)]), "scope")
    calls.refresh()
    assert [calls.get(key(n)) for n in reversed(range(100))] == [reply(n) for n in reversed(range(100))]


def test_two_keys_that_begin_alike_are_told_apart(tmp_path):
    calls = Calls(Store(str(tmp_path / "s")), "scope")
    alike = [b"12345678" + bytes([n]) * 24 for n in range(4)]
    for n, one in enumerate(alike[:3]):
        calls.put(one, reply(n))
    calls.flush()
    calls = Calls(calls.store, "scope")
    calls.refresh()
    assert [calls.get(one) for one in alike] == [reply(0), reply(1), reply(2), None]


def test_files_that_somebody_deleted_are_forgotten(tmp_path):
    store = filled(tmp_path, range(5), range(5, 9))
    calls = Calls(store, "scope")
    calls.refresh()
    store.files.delete(next(store.files.keys("calls/scope")))
    calls.refresh()
    found = [n for n in range(9) if calls.get(key(n))]
    assert found in ([0, 1, 2, 3, 4], [5, 6, 7, 8])


def test_a_batch_is_committed_when_it_is_full_or_old(tmp_path, monkeypatch):
    calls = Calls(Store(str(tmp_path / "s")), "scope")
    monkeypatch.setattr(call_cache, "BATCH_S", 10_000.0)
    calls.put(key(0), reply(0))
    calls.flush(due=True)
    assert list(calls.store.files.keys("calls")) == []
    monkeypatch.setattr(call_cache, "BATCH_S", 0.0)
    calls.flush(due=True)
    assert len(list(calls.store.files.keys("calls"))) == 1
    monkeypatch.setattr(call_cache, "BATCH_S", 10_000.0)
    for n in range(call_cache.BATCH_CALLS):
        calls.put(key(n), reply(n))
    calls.flush(due=True)
    assert len(list(calls.store.files.keys("calls"))) == 2


def test_a_batch_that_cannot_be_written_is_fatal_and_stays_to_be_written(tmp_path):
    calls = Calls(Store(str(tmp_path / "s")), "scope")
    calls.put(key(0), reply(0))
    (tmp_path / "s").write_text("in the way")
    with pytest.raises(StoreFailed):
        calls.flush()
    (tmp_path / "s").unlink()
    calls.flush()
    again = Calls(calls.store, "scope")
    again.refresh()
    assert again.get(key(0)) == reply(0)


class Slowly:
    """The files of a store in which a file is made when somebody says so."""

    def __init__(self, files):
        self._files = files
        self.begun, self.may_end = Event(), Event()

    def __getattr__(self, name):
        return getattr(self._files, name)

    def create(self, name, data):
        self.begun.set()
        self.may_end.wait(LIMIT_S)
        return self._files.create(name, data)


def test_while_a_batch_is_written_replies_land_and_those_in_it_are_found(tmp_path):
    calls = Calls(Store(str(tmp_path / "s")), "scope")
    calls.store.files = slowly = Slowly(calls.store.files)
    calls.put(key(0), reply(0))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(calls.flush)
        assert slowly.begun.wait(LIMIT_S)
        calls.put(key(1), reply(1))
        calls.flush(due=True)  # somebody is at it
        assert [calls.get(key(n)) for n in (0, 1, 2)] == [reply(0), reply(1), None]
        assert not writing.done()
        slowly.may_end.set()
        writing.result(LIMIT_S)
    calls.flush()
    assert len(list(calls.store.files.keys("calls"))) == 2
    again = Calls(calls.store, "scope")
    again.refresh()
    assert [again.get(key(n)) for n in (0, 1)] == [reply(0), reply(1)]


def test_a_file_that_a_refresh_sees_before_its_writer_counts_it_is_known_once(tmp_path):
    calls = Calls(Store(str(tmp_path / "s")), "scope")

    class Seen(Slowly):
        def create(self, name, data):
            made = self._files.create(name, data)
            calls.refresh()
            return made

    calls.store.files = Seen(calls.store.files)
    calls.put(key(0), reply(0))
    calls.flush()
    assert calls.get(key(0)) == reply(0)
    assert len(calls._files) == 1


def test_threads_of_a_process_share_the_calls_in_flight(tmp_path):
    store = Store(str(tmp_path / "s"))
    first, second = shared(store, "scope"), shared(Store(str(tmp_path / "s")), "scope")
    flying: Future[Reply] = Future()
    asked = []

    def submit():
        asked.append(1)
        return flying

    futures = [calls.ask(b"name", lambda: None, submit, lambda _: key(1)) for calls in (first, second)]
    flying.set_result(reply(1))
    assert [future.result() for future in futures] == [reply(1), reply(1)]
    assert (len(asked), first.get(key(1))) == (1, reply(1))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            Reply,
            st.text(st.characters(exclude_categories=["Cs"])),
            st.sampled_from(["stop", "length", "too_long"]),
            st.integers(0, 2**31 - 1),
            st.integers(0, 2**31 - 1),
            st.none() | st.floats(allow_nan=False),
            st.integers(0, 100),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_reply_comes_back_as_it_was(tmp_path_factory, replies):
    calls = Calls(Store(str(tmp_path_factory.mktemp("calls"))), "scope")
    for n, one in enumerate(replies):
        calls.put(key(n), one)
    calls.flush()
    again = Calls(calls.store, "scope")
    again.refresh()
    assert [again.get(key(n)) for n in range(len(replies))] == replies


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A store and a log of requests, of a run that was killed twice."""
    folder = tmp_path_factory.mktemp("killed")
    code = "import sys; from tests.generators.tasks import driver; driver(*sys.argv[1:], most=90)"
    for kill in (1, 2):
        log = folder / "log"
        process = subprocess.Popen([sys.executable, "-c", code, str(folder / "s"), str(log)], cwd=ROOT)
        while process.poll() is None and len(requests(log)) < 60 * kill:
            time.sleep(0.005)
        process.kill()
        process.wait()
    return folder


def requests(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


@pytest.mark.parametrize(
    ("order", "units"), [(1, 3), (-1, 3), (-1, 5)], ids=["as it was", "reversed", "reversed and cut otherwise"]
)
def test_after_a_kill_the_run_is_that_of_no_kill_and_only_the_batch_in_flight_is_paid_again(
    killed, tmp_path, order, units
):
    recipe = asks(sampling=Sampling(n=2))
    whole = run(recipe, texts(*NAMES, units=3), store=Store(str(tmp_path / "whole"))).manifest
    now = run(recipe, texts(*NAMES[::order], units=units), store=Store(str(tmp_path / "now"))).manifest
    folder = shutil.copytree(killed, tmp_path / "killed")
    store = Store(str(folder / "s"))
    before = {one for one in store.files.keys("") if not one.startswith("runs/")}
    driver(str(folder / "s"), str(folder / "log"), order, units)
    manifest = store.manifest("asks")
    assert (manifest.content, manifest.rows) == (whole.content, 240)
    assert manifest.id == now.id
    assert len({row.id for row in View(store, manifest)}) == 240
    assert before
    assert before <= set(store.files.keys(""))  # what is taken up again deletes nothing
    paid = requests(folder / "log")
    assert len(set(paid)) == 240
    assert 240 <= len(paid) <= 240 + 2 * (10 + AHEAD * 4)  # a batch, and what was on its way
