"""Run every benchmark and print one table: `make bench`, or `python -m tests.benchmarks warc minhash`.

A benchmark is a module `bench_<name>.py` here with a function `run() -> list[Result]`.
"""

import importlib
import os
import platform
import sys
from pathlib import Path

from tests.benchmarks.harness import Result


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    chosen = [stem for stem in found if not names or stem.removeprefix("bench_") in names]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | koba | peer | ratio | target |\n|---|---|---|---|---|")
    for stem in chosen:
        for result in importlib.import_module(f"tests.benchmarks.{stem}").run():
            print(_line(result), flush=True)


def _line(result: Result) -> str:
    peer = f"{result.peer_name} {result.peer:,.4g} {result.unit}" if result.peer else result.peer_name or "-"
    ratio = f"{result.ratio:.2f}x" if result.ratio else "-"
    return f"| {result.what} | {result.ours:,.4g} {result.unit} | {peer} | {ratio} | {result.target} |"


if __name__ == "__main__":
    main(sys.argv[1:])
