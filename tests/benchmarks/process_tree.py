"""A command with all its child processes: how long it took, their CPU seconds, and the most memory that they held."""

import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.5
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Told:
    """What a command said last, and what it cost."""

    line: str
    wall_s: float
    cpu_s: float
    peak_bytes: int  # proportional set sizes: memory that several processes share counts once


def watched(command: Sequence[str], folder: Path) -> Told:
    """Run a command in a folder and watch it and its descendants, as they are every half second."""
    start, peak = time.perf_counter(), 0
    cpu_s: dict[int, float] = {}
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        held = 0
        for pid in descendants(process.pid):
            try:
                held += _held_bytes(pid)
                cpu_s[pid] = _cpu_s(pid)
            except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended meanwhile
                continue
        peak = max(peak, held)
        time.sleep(EVERY_S)
    wall_s = time.perf_counter() - start
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}; what it said stands above")
    return Told(output.strip().splitlines()[-1], wall_s, sum(cpu_s.values()), peak)


def descendants(pid: int) -> list[int]:
    """Return a process and all that it started, and they."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            children[int(_fields(path)[1])].append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = [pid]
    for one in found:
        found += children[one]
    return found


def _fields(stat: Path) -> list[str]:
    """Return the fields behind the name, which may hold blanks and brackets: state, parent, ..."""
    return stat.read_text().rpartition(")")[2].split()


def _cpu_s(pid: int) -> float:
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return (int(fields[11]) + int(fields[12])) / TICKS


def _held_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
