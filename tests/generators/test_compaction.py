"""Many small files of calls become few: whoever reads, writes or is killed, no call is lost or answered twice."""

import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import calls as call_cache
from generators import compaction
from generators.calls import Calls
from generators.engine import Reply
from manifests import canonical
from manifests.errors import Damaged, StoreFailed
from manifests.run import run
from manifests.store import Store
from tests.generators.tasks import NAMES, Counting, asks, texts

ROOT = Path(__file__).parents[2]


def key(n: int) -> bytes:
    return canonical.digest_parts(b"test", b"%d" % n)


def reply(n: int) -> Reply:
    return Reply(f"reply {n} 返事", "stop", n, n + 1, -0.25 * n, n % 3)


def opened(store: Store) -> Calls:
    calls = Calls(Store(store.url), "scope")
    calls.refresh()
    return calls


def commit(store: Store, *numbers: int) -> None:
    calls = Calls(store, "scope")
    for n in numbers:
        calls.put(key(n), reply(n))
    calls.flush()


def files(store: Store) -> list[str]:
    return list(store.files.keys("calls/scope"))


def lost(store: Store, numbers) -> list[int]:
    calls = opened(store)
    return [n for n in numbers if calls.get(key(n)) != reply(n)]


@pytest.fixture
def few(monkeypatch):
    """Two small files are enough to be put together."""
    monkeypatch.setattr(call_cache, "MOST_SMALL", 1)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


def test_many_small_files_become_one_with_the_same_calls(store, few):
    for n in range(0, 80, 10):
        commit(store, *range(n, n + 10))
    opened(store).tidy()
    assert len(files(store)) == 1
    assert lost(store, range(80)) == []
    assert opened(store).get(key(80)) is None


def test_a_few_small_files_are_left_alone(store):
    for n in range(compaction.MOST_SMALL):
        commit(store, n)
    before = files(store)
    opened(store).tidy()
    assert files(store) == before
    commit(store, compaction.MOST_SMALL)
    opened(store).tidy()
    assert len(files(store)) == 1


def test_no_file_grows_beyond_the_limit_and_large_ones_are_left_alone(store, few, monkeypatch):
    for n in range(0, 80, 10):
        commit(store, *range(n, n + 10))
    [size] = {store.files.size(one) // 100 * 100 for one in files(store)}
    monkeypatch.setattr(compaction, "MERGED_BYTES", 3 * (size + 100))
    opened(store).tidy()
    assert len(files(store)) == 3
    assert all(store.files.size(one) <= compaction.MERGED_BYTES for one in files(store))
    monkeypatch.setattr(call_cache, "SMALL_BYTES", 1)
    before = files(store)
    opened(store).tidy()
    assert files(store) == before
    assert lost(store, range(80)) == []


def test_calls_of_one_time_stay_side_by_side(store, few):
    for n in range(5):
        commit(store, n)
        time.sleep(0.002)
    opened(store).tidy()
    [made] = files(store)
    assert compaction.read_calls(store, made)[0]["key"].to_pylist() == [key(n) for n in range(5)]


def test_a_run_that_leaves_many_small_files_puts_them_together_at_the_end(store, few, monkeypatch):
    monkeypatch.setattr(call_cache, "BATCH_CALLS", 10)
    answer = Counting()
    made = run(asks(answer, delay_s=0.001), texts(*NAMES, units=2), store=store).manifest
    assert len(list(store.files.keys("calls"))) == 1
    again = run(asks(answer), texts(*reversed(NAMES), units=3), store=Store(store.url)).manifest
    assert (again.content, answer.calls) == (made.content, len(NAMES))


def test_a_reader_whose_files_went_finds_its_calls_in_the_new_one(store, few, monkeypatch):
    monkeypatch.setattr(call_cache, "HELD_BYTES", 1)
    for n in range(0, 40, 10):
        commit(store, *range(n, n + 10))
    reader = opened(store)
    reader.put(key(50), reply(50))
    reader.flush()
    opened(store).tidy()
    assert len(files(store)) == 1
    assert [reader.get(key(n)) for n in (*range(40), 50)] == [reply(n) for n in (*range(40), 50)]
    assert reader.get(key(60)) is None


def test_a_file_that_goes_between_its_listing_and_its_reading_is_no_error(store, few):
    commit(store, 1)
    commit(store, 2)
    reader = Calls(Store(store.url), "scope")
    read = reader.store.files.read

    def late(path):
        reader.store.files.read = read
        opened(store).tidy()
        return read(path)

    reader.store.files.read = late
    reader.refresh()
    assert [reader.get(key(n)) for n in (1, 2)] == [reply(1), reply(2)]


def test_a_listing_that_misses_the_old_files_and_the_new_one_is_made_again(store, few):
    commit(store, 1)
    commit(store, 2)
    reader = Calls(Store(store.url), "scope")
    keys = reader.store.files.keys

    def torn(folder):
        reader.store.files.keys = keys
        opened(store).tidy()
        return iter(())

    reader.store.files.keys = torn
    reader.refresh()
    assert [reader.get(key(n)) for n in (1, 2)] == [reply(1), reply(2)]


class Crash(BaseException):
    pass


@settings(max_examples=40)
@given(st.lists(st.sets(st.integers(0, 30), min_size=1), min_size=2, max_size=8), st.integers(0, 12), st.booleans())
def test_a_crash_at_any_write_or_removal_loses_no_call(tmp_path_factory, batches, after, full_disk):
    store = Store(str(tmp_path_factory.mktemp("calls")))
    for batch in batches:
        commit(store, *batch)
    every = set().union(*batches)
    calls, left = opened(store), [after]
    create, delete = calls.store.files.create, calls.store.files.delete

    def step(act):
        def acting(*given):
            left[0] -= 1
            if left[0] < 0:
                raise StoreFailed("no space") if full_disk and act == create else Crash
            return act(*given)

        return acting

    calls.store.files.create, calls.store.files.delete = step(create), step(delete)
    sizes = {one: store.files.size(one) for one in files(store)}
    with suppress(Crash, StoreFailed):
        compaction.put_together(calls.store, "calls/scope", sizes)
    assert lost(store, every) == []
    compaction.put_together(store, "calls/scope", {one: store.files.size(one) for one in files(store)})
    assert len(files(store)) == 1
    assert lost(store, every) == []
    assert len(compaction.read_calls(store, files(store)[0])[0]) == len(every)


def test_a_full_disk_removes_nothing(store, few):
    commit(store, 1)
    commit(store, 2)
    before, calls = files(store), opened(store)

    def full(path, data):
        raise StoreFailed(f"cannot write {path}: No space left on device; free some space")

    calls.store.files.create = full
    with pytest.raises(StoreFailed, match="free some space"):
        calls.tidy()
    assert files(store) == before


def test_a_damaged_file_is_never_put_together_with_others(store, few):
    commit(store, 1)
    commit(store, 2)
    calls = opened(store)
    path = Path(store.url, files(store)[0])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before = files(store)
    with pytest.raises(Damaged, match="its calls are then made again"):
        calls.tidy()
    assert files(store) == before


def test_two_answers_that_workers_paid_for_at_once_are_one_for_everybody_before_and_after(store, few):
    answers = [Reply(f"answer {n}", "stop", 1, 1) for n in range(3)]
    for n in (2, 0, 1):
        calls = Calls(store, "scope")
        calls.put(key(7), answers[n])
        calls.put(key(100 + n), reply(n))
        calls.flush()
    assert opened(store).get(key(7)) == answers[0]
    opened(store).tidy()
    assert len(files(store)) == 1
    assert opened(store).get(key(7)) == answers[0]


def test_readers_and_writers_beside_several_that_put_together_miss_nothing(store, few):
    problems, done, written = [], threading.Event(), []

    def write(first):
        for n in range(first, first + 40):
            commit(Store(store.url), n)
            written.append(n)

    def tidy():
        calls = opened(store)
        while not done.is_set():
            calls.refresh()
            calls.tidy()

    def read(seed):
        calls, dice = opened(store), random.Random(seed)
        while not done.is_set():
            known = written[: len(written)]
            calls.refresh()
            problems.extend(n for n in dice.sample(known, min(5, len(known))) if calls.get(key(n)) != reply(n))

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 100)]
    others = [threading.Thread(target=tidy) for _ in range(2)]
    others += [threading.Thread(target=read, args=(seed,)) for seed in range(2)]
    for thread in (*writers, *others):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in others:
        thread.join()
    assert problems == []
    assert lost(store, written) == []
    assert len(written) == 80


def worker(url: str, log: str) -> None:
    """Commit one call after the other, put files together all the time, and log what was committed."""
    call_cache.MOST_SMALL = 2
    store = Store(url)
    for n in range(10_000):
        commit(store, n)
        with Path(log).open("a") as file:
            file.write(f"{n}\n")
        opened(store).tidy()


def test_a_kill_at_any_moment_loses_no_call(store, tmp_path):
    code = "import sys; from tests.generators.test_compaction import worker; worker(*sys.argv[1:])"
    log = tmp_path / "log"
    process = subprocess.Popen([sys.executable, "-c", code, store.url, str(log)], cwd=ROOT)
    while process.poll() is None and not (log.exists() and log.stat().st_size > 20):
        time.sleep(0.01)
    time.sleep(random.random() / 10)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert lost(store, map(int, log.read_text().split())) == []
