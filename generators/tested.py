"""Code that must pass its own tests, in the sandbox.

The tests are the label `tests`: statements, functions named test_*, or cases of unittest. Of each row the ledger has
tests/passed, tests/failed, tests/timed_out (1 or 0) and tests/seconds. Refused:

tests/none          there are no tests, or they assert nothing
tests/broken        a test failed, or the program ended with an error or before its tests
tests/timed_out     time was up
tests/limit         it took more memory or output than it may have
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from filters.code_sets import parses
from generators.code_distinct import DistinctItems
from generators.code_items import TESTS, CodeText
from generators.sandbox import Outcome, Sandbox
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Stage
from manifests.store import Store

_ASSERTS = re.compile(r"\bassert\b|\.assert[A-Z]\w*\(|\bassertRaises\b")
_OWN = re.compile(  # models import the solution, under names like these, though it stands above its tests
    r"^([ \t]*)from (?:solution|your_module|my_module|module|main|__main__)(?:\.\w+)? import [^\n(]*$", re.MULTILINE
)
_AFTER = """
def _run_the_tests():
    for _name, _test in list(globals().items()):
        if _name.startswith("test") and callable(_test) and not isinstance(_test, type):
            _test()
        elif _name.startswith("Test") and isinstance(_test, type) and not hasattr(_test, "assertEqual"):
            for _case in [_case for _case in dir(_test) if _case.startswith("test")]:
                getattr(_test(), _case)()

_run_the_tests()
"""
_BEFORE_CASES = "import unittest as _unittest\n_unittest.main = lambda *given, **named: None\n"
_AFTER_CASES = """
def _run_the_cases():
    import sys, unittest
    _made = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]).run(_made)
    if not _made.wasSuccessful():
        raise AssertionError([_text for _, _text in _made.failures + _made.errors])

_run_the_cases()
"""


@dataclass(frozen=True, slots=True)
class RunsItsTests(Stage):
    """Keep the code that passes the tests that came with it. For its text to be code, and Python."""

    dear: ClassVar[bool] = True
    version: ClassVar[int] = 1

    sandbox: Sandbox = field(default_factory=Sandbox)

    def resolve(self, store: Store) -> "RunsItsTests":  # noqa: ARG002 - what every stage is asked
        self.sandbox.check()  # before any model is paid
        return self

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        for doc in rows:
            tests = doc.labels.get(TESTS, "")
            if not _ASSERTS.search(tests):
                yield Rejected(doc, "tests/none")
                continue
            outcome = self.sandbox.run(test_program(doc.text, tests))
            values = values_of(outcome)
            yield Kept(doc, values) if outcome.passed else Rejected(doc, _REASONS[outcome.status], values=values)


_REASONS = {
    "failed": "tests/broken",
    "exited": "tests/broken",
    "timed_out": "tests/timed_out",
    "out_of_memory": "tests/limit",
    "flooded": "tests/limit",
}


def test_program(code: str, tests: str) -> str:
    """Return a program that comes to its end only where the code passes the tests."""
    tests = _OWN.sub(r"\1pass", tests)
    if "unittest" in tests:  # its import is dearer than most programs
        return f"{_BEFORE_CASES}{code}\n\n{tests}\n{_AFTER}{_AFTER_CASES}"
    return f"{code}\n\n{tests}\n{_AFTER}"


def values_of(outcome: Outcome) -> dict[str, float]:
    """Return what the ledger says of a run."""
    timed_out = outcome.status == "timed_out"
    return {
        "tests/passed": float(outcome.passed),
        "tests/failed": float(not outcome.passed and not timed_out),
        "tests/timed_out": float(timed_out),
        "tests/seconds": outcome.seconds,
    }


def checked(language: str, tests: bool) -> tuple[Stage, ...]:
    """Return the steps that end a program of problems with solutions: they parse, pass their tests, and differ."""
    run = (RunsItsTests(),) if tests and language == "python" else ()
    return (parses(language), *run, DistinctItems(), CodeText())
