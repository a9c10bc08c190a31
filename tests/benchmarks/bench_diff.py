"""Two versions of ten million rows, 1 % removed, 1 % added, 1 % changed: a diff with reasons in its own process."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from manifests.diff import diff
from manifests.store import Store
from tests.benchmarks.harness import Result
from tests.manifests.indexes import two_versions

ROWS = 10_000_000


def run() -> list[Result]:
    with TemporaryDirectory(prefix="koba-bench-diff-") as folder:
        old, new = two_versions(Store(folder), ROWS)
        took = measure(folder, old.id, new.id)
    what = f"diff of two versions of {ROWS:,} rows"
    return [
        Result(f"{what}, with reasons", "s", took["seconds"], target="< 10 s"),
        Result(f"{what}, with reasons, CPU", "s", took["cpu_s"]),
        Result(f"{what}, peak memory", "GiB", took["gib"], target="< 2 GiB"),
        Result(f"{what}, then domains and languages", "s", took["groups_s"]),
        Result(f"{what}, peak memory with these", "GiB", took["groups_gib"], target="< 2 GiB"),
    ]


def measure(folder: str, old: str, new: str) -> dict[str, float]:
    """Compare in a new process and return what it took."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_diff", folder, old, new]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[2])
    took: dict[str, float] = json.loads(done.stdout)
    return took


def main(folder: str, old: str, new: str) -> None:
    clock, cpu = time.perf_counter(), sum(os.times()[:2])
    found = diff(Store(folder), old, new)
    counts = found.rows, found.reasons
    took = {"seconds": time.perf_counter() - clock, "cpu_s": sum(os.times()[:2]) - cpu, "gib": peak_gib()}
    clock = time.perf_counter()
    counts += (found.groups("domain"), found.groups("language"))
    print(json.dumps(took | {"groups_s": time.perf_counter() - clock, "groups_gib": peak_gib()}))


def peak_gib() -> float:
    """The most memory that this process has held, in GiB; getrusage would count the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
