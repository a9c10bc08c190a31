"""A helper process that may hang, crash or eat the memory without harm to its parent."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from manifests.bounded import Bounded, Crashed, OutOfMemory, Timeout
from manifests.errors import BadRecipe
from tests.patience import until

MIB = 1 << 20
AGES_S = 100_000  # that nobody waits
LATER = "__import__('time').sleep({}) or {!r}"  # for `eval`, which any helper can find


def bounded(function, timeout_s=60.0, memory_bytes=256 * MIB, **more):
    return Bounded(function, timeout_s, memory_bytes, **more)


def test_a_call_returns_what_the_function_returns_in_another_process():
    assert bounded(len)(b"x" * MIB) == MIB
    assert bounded(os.getpid)() != os.getpid()


def test_one_helper_answers_many_calls():
    assert bounded(os.getpid)() == bounded(os.getpid)()


@pytest.mark.parametrize("size", [0, 1, 65_536, 3 * MIB])
def test_arguments_and_results_of_any_size_come_through(size):
    assert bounded(bytes.upper)(b"a" * size) == b"A" * size


def test_a_call_that_sleeps_is_ended():
    with pytest.raises(Timeout):
        bounded(time.sleep, timeout_s=0.1)(AGES_S)


def test_a_loop_in_c_is_ended():
    with pytest.raises(Timeout, match=r"0\.2 s of CPU time"):
        bounded(re.fullmatch, timeout_s=0.2)("(a+)+b", "a" * 60)


def test_a_segfault_is_an_outcome():
    with pytest.raises(Crashed, match="-11"):
        bounded(ctypes.string_at)(0)


def test_an_exception_is_an_outcome_that_says_what_was_raised():
    with pytest.raises(Crashed, match="JSONDecodeError"):
        bounded(json.loads)("{")


def test_too_much_memory_is_an_outcome():
    with pytest.raises(OutOfMemory):
        bounded(bytearray, memory_bytes=64 * MIB)(256 * MIB)


def test_an_argument_that_does_not_fit_is_out_of_memory_too():
    with pytest.raises(OutOfMemory):
        bounded(len, memory_bytes=16 * MIB)(bytes(64 * MIB))


@pytest.mark.parametrize(
    ("text", "timeout_s", "failure"), [(LATER.format(AGES_S, "never"), 0.1, Timeout), ("1 / 0", 60.0, Crashed)]
)
def test_the_next_call_works_after_a_failure(text, timeout_s, failure):
    with pytest.raises(failure):
        bounded(eval, timeout_s)(text)
    assert bounded(eval)("6 * 7") == 42


def test_a_failure_that_earlier_calls_caused_is_tried_again_in_a_new_helper():
    twice_in_one_process_is_an_error = bounded(os.setsid)
    assert [twice_in_one_process_is_an_error() for _ in range(3)] == [None] * 3


def test_preparing_costs_no_call_its_time():
    assert bounded(max, timeout_s=0.5, prepare=partial(time.sleep, 2.5))(1, 2) == 2  # on the clock, 4 times its limit


def test_threads_share_a_helper_without_mixing_replies():
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(bounded(abs), range(-200, 0))) == list(range(200, 0, -1))


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_reply_to_an_interrupted_call_is_not_taken_for_the_next_one():
    assert bounded(eval)("'warm'") == "warm"
    with interrupted_after(0.1):
        bounded(eval)(LATER.format(0.3, "interrupted"))
    assert bounded(eval)("'next'") == "next"


def test_a_module_on_the_parents_path_only_is_found(tmp_path, monkeypatch):
    (tmp_path / "module_of_a_test.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    from module_of_a_test import double  # type: ignore[import-not-found]

    assert bounded(double)(21) == 42


def test_a_function_that_no_helper_can_find_is_refused_with_advice():
    with pytest.raises(BadRecipe, match="at the top of a module"):
        bounded(lambda: 1)()


def test_a_helper_that_cannot_start_is_the_users_error_and_not_an_outcome_of_every_call():
    with pytest.raises(BadRecipe, match="no_such_library"):
        bounded(divmod, prepare=partial(__import__, "no_such_library"))(1, 1)


def test_a_helper_dies_with_a_parent_that_is_killed_whether_it_waits_or_works():
    script = textwrap.dedent("""
        import os, sys, time
        from manifests.bounded import Bounded, _helpers
        Bounded(os.getpid, 60.0, 1 << 28)()
        Bounded(time.sleep, 60.0, 1 << 28)(0)
        print(*[helper.process.pid for helper in _helpers.values()], flush=True)
        Bounded(time.sleep, 0.3, 1 << 28)(100_000)
    """)
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    until(lambda: not any(_alive(pid) for pid in pids))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
