"""kill -9 at any time, then the same command: the same version as without it."""

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.manifests.stages import Copies, Counts, Length, SameLast, Shout, numbers

ROOT = Path(__file__).parents[2]
BOUNDS = tuple(range(0, 90, 10))


def recipe(seen: Path) -> Recipe:
    return Recipe("r", (Counts(str(seen), sleep_s=0.002), Shout(), Length(60), Copies(2), SameLast()))


def driver(store: str, seen: str) -> None:
    """Run the recipe once, in a process of its own."""
    run(recipe(Path(seen)), numbers(*BOUNDS), store=Store(store), tag="r")


def start(store: Path, seen: Path) -> subprocess.Popen[bytes]:
    code = "import sys; from tests.manifests.test_faults import driver; driver(sys.argv[1], sys.argv[2])"
    return subprocess.Popen([sys.executable, "-c", code, str(store), str(seen)], cwd=ROOT)


@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_driver_started_again_makes_the_same_version_with_no_row_missing_or_twice(tmp_path, kills):
    seen = tmp_path / "seen"
    whole = run(recipe(seen), numbers(*BOUNDS), store=Store(str(tmp_path / "whole")), tag="r").manifest
    seen.unlink()
    for turn in range(kills):
        process = start(tmp_path / "killed", seen)
        before = seen.stat().st_size if seen.exists() else 0
        while process.poll() is None and (not seen.exists() or seen.stat().st_size < before + 33 * (13 + 7 * turn)):
            time.sleep(0.005)
        process.kill()
        process.wait()
    assert start(tmp_path / "killed", seen).wait() == 0
    store = Store(str(tmp_path / "killed"))
    assert store.manifest("r").id == whole.id
    ids = [row.id for row in View(store, whole)]
    assert len(ids) == len(set(ids)) == whole.rows
    made = len(seen.read_text().split())
    assert 80 <= made <= 80 + 10 * kills  # only the shard in flight was made again


def test_a_crash_at_any_write_loses_nothing_that_was_committed(tmp_path):
    quick = Recipe("r", (Shout(), Length(60), SameLast()))
    whole = run(quick, numbers(*BOUNDS), store=Store(str(tmp_path / "whole"))).manifest.id

    class Crash(BaseException):
        pass

    for after in random.Random(3).sample(range(60), 12):
        store = Store(str(tmp_path / f"crash-{after}"))
        left = after
        create = store.files.create

        def crashing(key, data, create=create):
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return create(key, data)

        store.files.create = crashing
        try:
            run(quick, numbers(*BOUNDS), store=store, tag="r")
        except Crash:
            assert store.history("r") == []
        again = Store(str(tmp_path / f"crash-{after}"))
        assert run(quick, numbers(*BOUNDS), store=again, tag="r").manifest.id == whole


def test_the_input_in_another_order_after_a_crash_is_the_same_set_of_rows(tmp_path):
    seen = tmp_path / "seen"
    whole = run(recipe(seen), numbers(*BOUNDS), store=Store(str(tmp_path / "whole"))).manifest
    seen.unlink()
    process = start(tmp_path / "killed", seen)
    while process.poll() is None and (not seen.exists() or seen.stat().st_size < 33 * 25):
        time.sleep(0.005)
    process.kill()
    process.wait()
    other = numbers(*reversed(BOUNDS))
    parts = tuple(type(part)(part.stop, part.start) for part in other.parts)
    again = run(recipe(seen), type(other)(parts), store=Store(str(tmp_path / "killed"))).manifest
    assert (again.content, again.rows) == (whole.content, whole.rows)


def test_a_run_that_is_taken_up_again_deletes_nothing(tmp_path):
    seen, store = tmp_path / "seen", Store(str(tmp_path / "killed"))
    process = start(tmp_path / "killed", seen)
    while process.poll() is None and (not seen.exists() or seen.stat().st_size < 33 * 25):
        time.sleep(0.005)
    process.kill()
    process.wait()
    before = set(store.files.keys("objects")) | set(store.files.keys("actions"))
    run(recipe(seen), numbers(*BOUNDS), store=store, tag="r")
    assert before
    assert before <= set(store.files.keys("objects")) | set(store.files.keys("actions"))


def test_two_writers_on_one_name_both_survive(tmp_path):
    stores = [Store(str(tmp_path / "s")) for _ in range(2)]
    recipes = [Recipe("a", (Length(20),)), Recipe("b", (Length(30),))]

    def write(store, one):
        run(one, numbers(0, 10), store=store, tag="shared")

    threads = [threading.Thread(target=write, args=pair) for pair in zip(stores, recipes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = stores[0].history("shared")
    assert [ref.number for ref in history] == [1, 2]
    assert len({ref.manifest for ref in history}) == 2


def test_a_full_disk_stops_the_run_with_one_clear_error_and_loses_nothing(tmp_path):
    code = (
        "import resource, sys; from tests.manifests.test_faults import driver;"
        "from manifests.errors import StoreFailed;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: driver(sys.argv[1], sys.argv[2])\n"
        "except StoreFailed as error: print(error); sys.exit(7)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "s"), str(tmp_path / "seen")]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 7, done.stderr
    assert "cannot write" in done.stdout
    assert "run the same command again: nothing is lost" in done.stdout
    assert start(tmp_path / "s", tmp_path / "seen").wait() == 0
