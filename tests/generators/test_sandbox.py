"""Programs run in the sandbox: how they end, and what they may use up."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from generators.sandbox import Sandbox
from manifests import canonical
from manifests.errors import BadRecipe
from tests.generators.boxed import ISOLATED, SHORT, outcome

pytestmark = ISOLATED
ROOT = Path(__file__).parents[2]


def descriptors():
    return sorted(Path("/proc/self/fd").iterdir())


def test_a_program_is_run_with_its_input():
    made = outcome("print(input()[::-1])\nprint(__name__, 'é', '工場')", stdin="koba\n")
    assert (made.status, made.stdout, made.stderr) == ("finished", "abok\n__main__ é 工場\n", "")
    assert made.passed
    assert made.seconds < 1


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("x = 1", "finished"),
        ("import sys; sys.exit()", "exited"),
        ("import sys; sys.exit(0)\nassert False", "exited"),
        ("import os; os._exit(0)", "exited"),
        ("import sys; sys.exit(3)", "failed"),
        ("import sys; sys.exit('no')", "failed"),
        ("assert 1 == 2", "failed"),
        ("def broken(:", "failed"),
        ("x = '\0'", "failed"),
        ("x = '\ud800'", "failed"),
        ("import ctypes; ctypes.string_at(0)", "failed"),
        ("input()", "failed"),
        ("(" * 5_000 + ")" * 5_000, "failed"),
        ("import os; os.abort()", "failed"),
        ("import os; os.close(1); print(3)", "failed"),
    ],
)
def test_how_a_program_ended_is_told(program, status):
    assert outcome(program).status == status


def test_an_error_is_shown_without_our_own_lines():
    assert outcome("1 / 0").stderr.splitlines()[1] == '  File "program.py", line 1, in <module>'


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "import signal\nfor n in (1, 2, 14, 15, 24): signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
        "import threading\nfor _ in range(4): threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
    ],
)
def test_a_loop_ends_when_its_processor_time_is_up(program):
    assert outcome(program).status == "timed_out"


def test_a_sleeper_is_ended_by_the_clock_on_the_wall():
    assert outcome("import time; time.sleep(10_000)", Sandbox(wall_seconds=1)).status == "timed_out"


@pytest.mark.parametrize("program", ["x = 'a' * 10**10", "x = []\nwhile True: x.append(bytes(10**6))"])
def test_a_memory_hog_is_ended(program):
    assert outcome(program).status == "out_of_memory"


def test_memory_that_no_error_can_be_made_of_is_bounded_too():
    made = outcome("import mmap\nheld = []\nwhile True: held.append(mmap.mmap(-1, 10**7))")
    assert made.status == "failed"
    assert "Cannot allocate memory" in made.stderr


def test_threads_may_be_started_and_only_so_many():
    program = "import threading\nthreading.stack_size(32768)\nstop = threading.Event()\n"
    program += "for n in range({}): threading.Thread(target=stop.wait, daemon=True).start()\nstop.set()\nprint('all')"
    assert outcome(program.format(8)).stdout == "all\n"
    assert "can't start new thread" in outcome(program.format(500)).stderr


def test_an_event_loop_runs():
    program = "import asyncio\nasync def two(): await asyncio.sleep(0.01); return 2\nprint(asyncio.run(two()))"
    assert outcome(program).stdout == "2\n"


def test_its_folder_is_empty_its_own_and_gone_afterwards():
    program = (
        "import os, shutil\nprint(os.listdir('.'))\nopen('left', 'w').write('x')\nos.mkdir('sub')\nprint(os.getcwd())"
    )
    first = outcome(program)
    assert first.stdout == "['program.py']\n/work\n"
    assert outcome(program).stdout == first.stdout
    assert not Path("/work/left").exists()


def test_a_program_may_delete_its_folder():
    assert outcome("import os; os.remove('program.py'); print(os.listdir('.'))").stdout == "[]\n"
    assert outcome("import shutil; shutil.rmtree('/work')").status == "failed"


def test_files_are_bounded_one_by_one_and_together():
    assert "File too large" in outcome("open('big', 'wb').write(bytes(20 << 20))").stderr
    many = "for n in range(100): open(str(n), 'wb').write(bytes(1 << 20))"
    assert "No space left" in outcome(many).stderr
    assert "No space left" in outcome("for n in range(5_000): open(str(n), 'w').close()").stderr
    assert "Too many open files" in outcome("held = [open('x', 'w') for _ in range(500)]").stderr


def test_output_is_bounded():
    flood = outcome("print('a' * 100_000)")
    assert (flood.status, len(flood.stdout)) == ("flooded", SHORT.output_chars)
    endless = outcome("while True: print('a' * 10_000)")
    assert endless.status == "flooded"
    assert "File too large" in endless.stderr
    assert outcome("import sys\nwhile True: sys.stderr.write('b' * 10_000)").status in {"flooded", "timed_out"}
    bytes_of_no_text = outcome("import sys; sys.stdout.buffer.write(bytes([255, 254]))")
    assert bytes_of_no_text.stdout == "\N{REPLACEMENT CHARACTER}" * 2


def test_the_order_of_a_set_is_the_same_each_time():
    program = "print([*{'a', 'b', 'c', 'd', 'e', 'f'}])"
    assert len({outcome(program).stdout for _ in range(3)}) == 1


def test_several_threads_may_ask_at_once():
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: outcome(f"print({n})").stdout, range(8)))
    assert made == [f"{n}\n" for n in range(8)]


def test_no_process_and_no_descriptor_is_left_behind():
    outcome("x = 1")
    before, children = descriptors(), set(psutil.Process().children(recursive=True))
    for program in ("x = 1", "while True: pass"):
        outcome(program)
    assert set(descriptors()) <= set(before)
    assert set(psutil.Process().children(recursive=True)) <= children


def test_a_sandbox_is_a_literal_of_a_step():
    assert canonical.digest(Sandbox()) != canonical.digest(Sandbox(seconds=6))


def test_a_machine_that_cannot_isolate_is_told_what_is_missing(monkeypatch, tmp_path):
    said = tmp_path / "inside.py"
    said.write_text("print('missing [Errno 1] unshare: Operation not permitted')")
    monkeypatch.setattr("generators.sandbox._INSIDE", str(said))
    with pytest.raises(BadRecipe, match=r"sandbox: off, .*unshare: Operation not permitted.*; expected Linux 5\.12"):
        Sandbox().run("print('run anyway')")
    said.write_text("raise SystemExit('no ctypes here')")
    with pytest.raises(BadRecipe, match=r"sandbox: off, .* interpreter ended with 1: no ctypes here"):
        Sandbox().run("print('run anyway')")


def test_where_the_kernel_gives_no_namespaces_nothing_is_run(tmp_path):
    mark = tmp_path / "run"
    code = """import ctypes, sys
assert ctypes.CDLL(None).unshare(0x10000000) == 0  # a user namespace in which we are nobody
from generators.sandbox import Sandbox
Sandbox().run(f"open({sys.argv[1]!r}, 'w')")
"""
    done = subprocess.run([sys.executable, "-c", code, mark], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "BadRecipe: sandbox: off, for this machine cannot isolate a program ([Errno 1] unshare" in done.stderr
    assert not mark.exists()
