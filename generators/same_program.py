"""Whether two Python files are one program: nothing but comments and docstrings differ.

Asked twice: their trees without docstrings are equal, and so are their tokens without comments, docstrings and blank
lines, so that quotes, brackets and line breaks stay too.

same_program/tree           the code itself was changed
same_program/tokens         it is written in another way: quotes, brackets, line breaks
same_program/no_comments    not one comment or docstring more than before
same_program/not_python     the new file, or its original, does not parse
same_program/unfinished     the comparison took too long or died, see manifests.bounded
"""

import ast
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from filters.code_tokens import tokens
from generators.code_items import ORIGINAL
from manifests.bounded import Bounded, Unfinished
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Stage

_LAYOUT = {tokenize.NL, tokenize.COMMENT, tokenize.ENCODING}
_STARTS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def compared(text: str, original: str) -> str:
    """Return "", or the reason why a text is not its original with more comments."""
    try:
        with warnings.catch_warnings(action="ignore"):
            trees = [ast.parse(one) for one in (text, original)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "same_program/not_python"
    said = [_without_docstrings(tree) for tree in trees]
    if ast.dump(trees[0]) != ast.dump(trees[1]):
        return "same_program/tree"
    if code_tokens(text) != code_tokens(original):
        return "same_program/tokens"
    comments = [
        docstrings + sum([token.type == tokenize.COMMENT for token in tokens(one)])
        for docstrings, one in zip(said, (text, original), strict=True)
    ]
    return "" if comments[0] > comments[1] else "same_program/no_comments"


def code_tokens(text: str) -> list[tuple[int, str]]:
    """Return kind and text of each token, without comments, blank lines, docstrings and the width of an indent."""
    found: list[tuple[int, str]] = []
    line: list[tuple[int, str]] = []  # of the statement that is being read
    for each in tokens(text):
        if each.type in _LAYOUT:
            continue
        if each.type in _STARTS:
            is_docstring = bool(line) and all(kind == tokenize.STRING for kind, _ in line)
            found += [] if is_docstring else line
            found += [(each.type, "")] if not (is_docstring and each.type == tokenize.NEWLINE) else []
            line = []
        else:
            line.append((each.type, each.string))
    return found + line


def _without_docstrings(tree: ast.Module) -> int:
    """Take the docstrings out of a tree, and return how many lines of them there were."""
    lines = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text is not None:
                lines += 1 + text.count("\n")
                node.body = node.body[1:]
    return lines


@dataclass(frozen=True, slots=True)
class SameProgram(Stage):
    """Keep the rows that are their label `original` with more comments or docstrings; the label goes."""

    version: ClassVar[int] = 1

    timeout_s: float = 20.0  # of processor time for one row
    memory_mb: int = 1_024

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        asked = Bounded(compared, self.timeout_s, self.memory_mb << 20)
        for doc in rows:
            labels = {name: doc.labels[name] for name in doc.labels if name != ORIGINAL}
            try:
                reason = asked(doc.text, doc.labels.get(ORIGINAL, ""))
            except Unfinished:
                reason = "same_program/unfinished"
            bare = doc.replace(labels=labels)
            yield Rejected(bare, reason) if reason else Kept(bare)
