"""How fast problems are read, answers found, sums worked out again, programs run; and what is refused of good data."""

import json
from pathlib import Path

from corpus.problem_files import ProblemFiles
from generators.answers import answers, strip_answer
from generators.calculator import annotations, equations, strip_annotations
from generators.quantities import exact
from generators.sandbox import Sandbox
from manifests.store import Store
from tests.benchmarks.harness import Result, rates

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "math-seeds"
FILES = ("gsm8k_train.jsonl", "gsm8k_test.jsonl")
SOLUTIONS = 2_000  # that are timed
PROGRAMS = 20


def run() -> list[Result]:
    """Return rates by CPU time, and shares of GSM8K's 8,792 solutions."""
    if not DATA.exists():
        return []
    records = [json.loads(line) for file in FILES for line in (DATA / file).read_text("utf-8").splitlines()]
    solutions = [record["answer"] for record in records]
    timed = solutions[:SOLUTIONS]
    [read] = rates(len(records), _read, repeat=3)
    [found] = rates(len(timed), lambda: [answers(one) for one in timed], repeat=3)
    [noted] = rates(sum(len(annotations(one)) for one in timed), lambda: [annotations(one) for one in timed], repeat=3)
    [judged] = rates(sum(len(equations(one)) for one in timed), lambda: [equations(one) for one in timed], repeat=3)
    sums = [one.holds for solution in solutions for one in equations(solution)]
    unmarked = [_right(strip_annotations(strip_answer(one)), one) for one in solutions]
    return [
        Result("GSM8K: files to problems", "rows/s", read),
        Result("answers of solutions", "rows/s", found),
        Result("calculator annotations", "annotations/s", noted),
        Result("equations in the text", "equations/s", judged),
        Result("programs in the sandbox", "programs/s", _programs()),
        Result("GSM8K: annotations that hold", "share", _share([x.holds for s in solutions for x in annotations(s)])),
        Result(f"GSM8K: equations in the text that hold, of {len(sums):,}", "share", _share(sums)),
        Result(
            "GSM8K without ####: right answer found on the last line", "share", _share([x is True for x in unmarked])
        ),
        Result("GSM8K without ####: wrong answer found", "share", _share([x is False for x in unmarked])),
    ]


def _read() -> None:
    for unit in ProblemFiles.find([str(DATA / file) for file in FILES]).units(Store("memory://problems")):
        for _ in unit.rows():
            pass


def _right(solution: str, reference: str) -> bool | None:
    found = answers(solution)
    return found[0].quantity == exact(reference.rpartition("#### ")[2]) if found else None


def _programs() -> float:
    seconds = sum(Sandbox().run("print(12 + 12 // 2)").seconds for _ in range(PROGRAMS))
    return PROGRAMS / seconds


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)
