"""Programs that nobody has read, run where they can do no harm.

    outcome = Sandbox().run("print(input()[::-1])", stdin="koba")
    outcome.status, outcome.stdout        # ("finished", "abok\n")

A program is one process of a clean Python with the standard library alone, in namespaces of its own: no network, no
other process to be seen, no file but the library (to be read) and an empty folder in memory that goes when it ends; no
environment; limits on processor time, memory, output, files and threads; and of the kernel's calls only those of
`generators.sandbox_calls`. Where the kernel offers less than that, nothing is run: BadRecipe says what is missing.
"""

import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from generators.sandbox_calls import call_filter
from generators.sandbox_inside import FINISHED, MOST_OPEN, OUT_OF_MEMORY
from manifests.errors import BadRecipe

Status: TypeAlias = Literal["finished", "exited", "failed", "timed_out", "out_of_memory", "flooded"]

_INSIDE = str(Path(__file__).with_name("sandbox_inside.py"))
_CLEAN = ("-S", "-s", "-P", "-B", "-X", "utf8", "-W", "ignore")  # the environment is empty, so -E would add nothing
_MOST_THREADS = 32
_SAID = 2_000  # characters of what a broken sandbox says that are shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a program."""

    status: Status  # "finished": its last line was reached; "exited": it left before that, as if all were well
    stdout: str
    stderr: str
    seconds: float  # of processor time

    @property
    def passed(self) -> bool:
        """Whether the program came to its end: no error, no limit, no early exit."""
        return self.status == "finished"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Limits for a program. Equal ones give equal outcomes on a busy machine too: time is processor time."""

    seconds: int = 5  # of processor time
    wall_seconds: int = 30  # a program that sleeps is ended after so many
    memory_mb: int = 512  # of address space
    disk_mb: int = 16  # of all its files, which are in memory; one of them has half of it at the most
    output_chars: int = 64_000  # of each of its two outputs that are kept; a program that writes more is "flooded"

    def run(self, program: str, stdin: str = "") -> Outcome:
        """Run a program to its end or to a limit. Raises BadRecipe where the machine cannot isolate it."""
        with _memory_file("stdout") as out, _memory_file("stderr") as err:
            told = self._told(program, stdin, out, err)
            status: Status = "timed_out"
            seconds = float(self.wall_seconds)
            if told is not None:
                seconds = round(told[1], 3)
                status = self._status(*told)
            texts = [self._read(file) for file in (out, err)]
        if status in {"finished", "exited", "failed"} and any(len(text) > self.output_chars for text in texts):
            status = "flooded"
        return Outcome(status, texts[0][: self.output_chars], texts[1][: self.output_chars], seconds)

    def check(self) -> None:
        """Raise BadRecipe, with what is missing, where this machine cannot isolate a program."""
        missing = _missing()
        if missing:
            raise BadRecipe(missing)

    def _told(self, program: str, stdin: str, out: int, err: int) -> tuple[int, float] | None:
        """Return exit status and processor time, or None where the program was ended by the clock on the wall."""
        order = {
            "program": program,
            "stdin": stdin,
            "out": out,
            "err": err,
            "disk_bytes": self.disk_mb << 20,
            "calls": _calls(),
            "limits": {
                "RLIMIT_CPU": self.seconds,
                "RLIMIT_AS": self.memory_mb << 20,
                "RLIMIT_FSIZE": self.disk_mb << 19,
                "RLIMIT_NOFILE": MOST_OPEN,
                "RLIMIT_NPROC": _MOST_THREADS,
                "RLIMIT_CORE": 0,
            },
        }
        process = subprocess.Popen(
            [sys.executable, *_CLEAN, _INSIDE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(out, err),
            env={"PYTHONHASHSEED": "0"},  # the order of sets is part of an outcome
            cwd="/",
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(marshal.dumps(order), timeout=self.wall_seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        words = said.decode("utf-8", "replace").strip()
        first = words.partition("\n")[0].split(" ")
        if first[0] == "missing":
            raise BadRecipe(_off(" ".join(first[1:])))
        if process.returncode or first[0] != "ended":
            raise BadRecipe(_off(f"its interpreter ended with {process.returncode}: {words[:_SAID]}"))
        return int(first[1]), float(first[2])

    def _status(self, status: int, seconds: float) -> Status:
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) != signal.SIGKILL:
                return "failed"
            return "timed_out" if seconds >= self.seconds - 0.5 else "out_of_memory"
        named: dict[int, Status] = {FINISHED: "finished", OUT_OF_MEMORY: "out_of_memory", 0: "exited"}
        return named.get(os.WEXITSTATUS(status), "failed")

    def _read(self, file: int) -> str:
        """Return the beginning of an output, one character more than is kept of it at the most."""
        data = os.pread(file, 4 * (self.output_chars + 1), 0)
        return data.decode("utf-8", "replace")[: self.output_chars + 1]


@contextmanager
def _memory_file(name: str) -> Iterator[int]:
    if not hasattr(os, "memfd_create"):
        raise BadRecipe(_off(f"{sys.platform} has no namespaces"))
    file = os.memfd_create(name)
    try:
        yield file
    finally:
        os.close(file)


@lru_cache(maxsize=1)
def _calls() -> bytes:
    return call_filter(os.uname().machine)


@lru_cache(maxsize=1)
def _missing() -> str:
    try:
        outcome = Sandbox().run("print('in')")
    except BadRecipe as error:
        return str(error)
    return "" if outcome.stdout == "in\n" else _off(f"a first program {outcome.status}: {outcome.stderr}")


def _off(missing: str) -> str:
    return (
        f"sandbox: off, for this machine cannot isolate a program ({missing}); expected Linux 5.12 or later with user "
        "namespaces and seccomp: allow them (sysctl user.max_user_namespaces, the container's seccomp and AppArmor "
        "profiles), or leave out the step that runs programs"
    )
