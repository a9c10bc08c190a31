"""Problems with their solutions, as rows: while they are checked the text is the code, and the rest are labels.

problem     what the code is to do, or explains
tests       a program that fails where the code is wrong
snippet     the code that the problem was inspired by
original    the code that a description was made of
variant     which prompt was used; topic, operator: what was drawn for it

sections/missing    a section that was asked for is missing, empty or out of order
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from filters.code_sets import LABEL
from generators.fences import block_of, fenced
from generators.sections import sections
from manifests.rows import Document
from manifests.stage import Rejected, Stage

PROBLEM, TESTS, SNIPPET, ORIGINAL = "problem", "tests", "snippet", "original"
_DROPPED = {PROBLEM, TESTS, SNIPPET, ORIGINAL}
MIN_SOLUTION_CHARS = 20


def item(
    doc: Document, reply: str, headings: Sequence[str], language: str, source: str, labels: Mapping[str, str]
) -> Document | Rejected:
    """Return the row of a reply with the sections problem, solution and tests, or the last two of them alone."""
    found = sections(reply, headings)
    if found is None:
        return Rejected(doc, "sections/missing")
    code = block_of(doc, found[-2], language, min_chars=MIN_SOLUTION_CHARS)
    if isinstance(code, Rejected):
        return code
    tests = block_of(doc, found[-1], language)
    if isinstance(tests, Rejected):
        return tests
    own = {PROBLEM: found[0]} if len(headings) == 3 else {}
    made = {**doc.labels, **labels, **own, LABEL: language, TESTS: tests.code}
    return doc.derive(text=code.code, source=source, labels=made)


def drawn(seed: int, name: str, row: bytes) -> Random:
    """Return a generator of random numbers that belongs to a row: the same on every machine, whatever the sharding."""
    return Random(sha256(b"%d:%b:%b" % (seed, name.encode(), row)).digest())


@dataclass(frozen=True, slots=True)
class CodeText(Stage):
    """Write the text of a row from its parts: the problem, its solution and, where wanted, its tests."""

    with_tests: bool = False

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document]:
        for doc in rows:
            language = doc.labels.get(LABEL, "")
            parts = [doc.labels.get(PROBLEM, ""), fenced(doc.text, language)]
            if self.with_tests and TESTS in doc.labels:
                parts.append(fenced(doc.labels[TESTS], language))
            labels = {name: doc.labels[name] for name in doc.labels if name not in _DROPPED}
            yield doc.replace(text="\n\n".join([part for part in parts if part]), labels=labels)
