"""Gates for code, and the sandbox: files and programs a CPU second of this process and of those that it starts.

The files are those of Python's own library, of 2 to 20 kB. pylint is apart: it costs more than all else together, most
of it for what a file imports. A program's cost is that of a clean interpreter in namespaces of its own.
"""

import multiprocessing
import resource
import time
from pathlib import Path
from statistics import median

from filters.code_lint import load, pylint_score
from filters.code_repetition import repeated
from filters.code_syntax import compiles
from filters.code_tokens import comment_share, unread
from filters.code_trees import error_share
from generators.sandbox import Sandbox
from generators.tested import test_program
from manifests.errors import BadRecipe
from tests.benchmarks.harness import Result, rates

FILES, LINTED, PROGRAMS = 200, 25, 60
CODE = "def double(number):\n    return 2 * number"


def run() -> list[Result]:
    """Return the rates."""
    files = _files()
    chars = sum(map(len, files)) / len(files)
    [syntax] = rates(len(files), lambda: [compiles(text) for text in files], repeat=3)
    [all_but_pylint] = rates(len(files), lambda: [_gated(text) for text in files], repeat=3)
    [trees] = rates(len(files), lambda: [error_share(text, "python") for text in files], repeat=3)
    found = [
        Result(f"syntax gate, files of {chars:,.0f} characters", "files/s", syntax),
        Result("syntax, comments, scripts, repetition", "files/s", all_but_pylint, target=">= 50"),
        Result("tree-sitter, files without errors", "files/s", trees, target=">= 50"),
    ]
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # it changes what its process can import
        first, rest = pool.apply(_linted, (files[:LINTED],))
    found.append(Result("pylint: the first files, which load what they import", "files/s", first))
    found.append(Result("pylint: the same files again", "files/s", rest))
    try:
        Sandbox().check()
    except BadRecipe:
        return found
    program = test_program(CODE, "assert double(2) == 4")
    found.append(Result("sandbox: an empty program", "programs/s", _ran("pass"), target=">= 30"))
    found.append(Result("sandbox: a solution with its tests", "programs/s", _ran(program)))
    return found


def _files() -> list[str]:
    library = Path(multiprocessing.__file__).parents[1]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(library.glob("*.py"))]
    return [text for text in texts if 2_000 <= len(text) <= 20_000][:FILES]


def _gated(text: str) -> tuple[str, float, int, int]:
    return compiles(text), comment_share(text), unread(text), repeated(text)


def _linted(texts: list[str]) -> tuple[float, float]:
    load()
    seconds = []
    for _ in range(2):
        start = time.process_time()
        for text in texts:
            pylint_score(text)
        seconds.append(time.process_time() - start)
    return len(texts) / seconds[0], len(texts) / seconds[1]


def _ran(program: str) -> float:
    """Return programs a CPU second, of this process and of those that ended."""
    seconds = []
    for _ in range(3):
        start = _cpu_s()
        for _ in range(PROGRAMS):
            Sandbox().run(program)
        seconds.append(_cpu_s() - start)
    return PROGRAMS / median(seconds)


def _cpu_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)
