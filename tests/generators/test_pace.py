"""What a person who waits for model calls is shown, and what an interrupt leaves behind."""

import gc
import os
import pty
import re
import signal
import threading

import pytest

from generators.compaction import read_calls
from generators.engine import Sampling
from generators.pace import Pace
from generators.places import close_all, opened
from generators.purse import Purse, with_purse
from generators.together import Threads
from generators.weights import echo_model
from manifests.errors import BadRecipe
from manifests.progress import Bars
from manifests.run import run
from manifests.store import Store
from tests.generators.tasks import Counting, asks, texts
from tests.patience import until

NAMES = [f"text {n}" for n in range(40)]


def seen_on_a_terminal(monkeypatch, work) -> str:
    """What `work` writes to stderr where that is a terminal of 160 columns; it can ask what that shows so far."""
    master, slave = pty.openpty()
    chunks: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(master, 65_536):
                chunks.append(chunk)
        except OSError:
            return  # the other end was closed

    def shown() -> str:
        return re.sub(r"\x1b\[[\d;?]*\w", "", b"".join(chunks).decode(errors="ignore"))

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch, os.fdopen(slave, "w") as terminal:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "160")
        patch.setattr("sys.stderr", terminal)
        work(shown)
    reader.join()
    os.close(master)
    return shown()


def number_of(request) -> int:
    return int(request.prompt.split("text ")[1].split("\n")[0])


def test_a_terminal_shows_tokens_rows_what_is_accepted_and_the_time_left(tmp_path, monkeypatch):
    purse = Purse()
    pace = Pace(purse)
    pace.source_rows = len(NAMES)
    everything = r"[\d,]+ tokens/s, [\d.,]+ rows/s, \d+ % accepted \d+:\d\d:\d\d"

    def work(shown) -> None:
        def answer(request) -> str:
            """Refuse every fourth text; the middle and the end of a unit wait until the terminal has caught up."""
            number = number_of(request)
            if number % 20 >= 4:
                until(lambda: "% accepted" in shown())
            if number % 20 >= 15:
                until(lambda: re.search(everything, shown()))
            return "unspeakable" if number % 4 == 0 else "so be it"

        recipe = with_purse(asks(answer, delay_s=0.01, capacity=4), purse)
        with Bars(gauge=pace) as bars:
            store = Store(str(tmp_path / "s"))
            run(recipe, texts(*NAMES, units=2), store=store, map=Threads(), watcher=bars)

    assert re.search(everything, seen_on_a_terminal(monkeypatch, work))
    assert "75 % accepted" in pace.reading()


def test_where_stderr_is_no_terminal_nothing_is_drawn(tmp_path, capfd):
    purse = Purse()
    with Bars(gauge=Pace(purse)) as bars:
        run(with_purse(asks(), purse), texts(*NAMES), store=Store(str(tmp_path / "s")), watcher=bars)
    assert capfd.readouterr() == ("", "")


def test_a_pace_counts_from_the_first_reply_on_and_anew_in_each_part():
    purse = Purse()
    pace = Pace(purse)
    pace.source_rows = 8
    pace.begin(0.5)
    assert (pace.reading(), pace.seconds_left()) == ("", None)
    one = dict.fromkeys(purse.counts(), 0) | {"calls": 2, "paid_out": 50, "rows": 1, "accepted": 3, "refused": 1}
    purse.add(one)
    assert pace.reading() == "75 % accepted"
    purse.add(one)
    assert re.fullmatch(r"[\d,]+ tokens/s, [\d.,]+ rows/s, 75 % accepted", pace.reading())
    assert pace.seconds_left() > 0
    purse.add(one)
    purse.add(one)
    assert pace.seconds_left() == 0
    pace.begin(1.0)
    assert (pace.reading(), pace.seconds_left()) == ("", None)


@pytest.fixture
def interrupted():
    """An event that an interrupt sets; a process that was started in the background of a shell ignores interrupts."""
    came = threading.Event()

    def note(number, frame) -> None:
        came.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    yield came
    signal.signal(signal.SIGINT, before)


def test_at_an_interrupt_what_was_answered_is_stored_and_the_units_end(interrupted, tmp_path):
    def answer(request):
        if counting.calls == 30:
            os.kill(os.getpid(), signal.SIGINT)
        if counting.calls >= 30:
            until(interrupted.is_set)
        return "fine"

    counting, store = Counting(answer), Store(str(tmp_path / "s"))
    recipe = asks(counting, delay_s=0.02, capacity=2, sampling=Sampling(n=8))
    with pytest.raises(KeyboardInterrupt):
        run(recipe, texts(*NAMES, units=4), store=store, map=Threads())
    assert 30 <= counting.calls < 8 * len(NAMES)
    assert sum(read_calls(store, key)[0].num_rows for key in store.files.keys("calls")) >= 28
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("unit")]
    at_once = asks(counting, sampling=Sampling(n=8))
    assert run(at_once, texts(*NAMES, units=4), store=store, map=Threads()).manifest.rows == 8 * len(NAMES)


def test_after_a_run_its_engine_is_still_there(tmp_path):
    recipe, store = asks(Counting()), Store(str(tmp_path / "s"))
    engine = opened(recipe.steps[0].engine, recipe.steps[0].model)
    run(recipe, texts(*NAMES, units=4), store=store, map=Threads())
    gc.collect()
    assert opened(recipe.steps[0].engine, recipe.steps[0].model) is engine
    run(recipe, texts(*NAMES[:7], units=3), store=Store(str(tmp_path / "t")), map=Threads())
    assert opened(recipe.steps[0].engine, recipe.steps[0].model) is engine


def test_a_place_that_cannot_run_a_model_is_tried_once():
    tried = []

    class Refuses:
        def open(self, model):
            tried.append(model)
            raise BadRecipe("out of memory")

    where = Refuses()
    for _ in range(3):
        with pytest.raises(BadRecipe, match="out of memory"):
            opened(where, echo_model())
    assert len(tried) == 1
    close_all()
    with pytest.raises(BadRecipe):
        opened(where, echo_model())
    assert len(tried) == 2
