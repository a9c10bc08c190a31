"""Whether two Python files are one program: nothing but comments and docstrings differ.

Asked twice: their trees without docstrings are equal, and so are their tokens without comments, docstrings and blank
lines, so that quotes, brackets and line breaks stay too.

same_program/tree           the code itself was changed
same_program/tokens         it is written in another way: quotes, brackets, line breaks
same_program/no_comments    not one comment or docstring more than before
same_program/other_language the new comments are in another language than asked for
same_program/not_python     the new file, or its original, does not parse
same_program/unfinished     the comparison took too long or died, see manifests.bounded
"""

import ast
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from filters.code_tokens import tokens
from generators.code_items import ORIGINAL
from manifests.bounded import Bounded, Unfinished
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Stage, at_least, judge

_LAYOUT = {tokenize.NL, tokenize.COMMENT, tokenize.ENCODING}
_LETTER = re.compile(r"[^\W\d_]")
_JAPANESE = re.compile(r"[\u3040-\u30ff]")  # kana: Chinese has none
_STARTS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def compared(text: str, original: str) -> tuple[str, list[str]]:
    """Return "" with the new comments and docstrings, or the reason why a text is not its original with more."""
    try:
        with warnings.catch_warnings(action="ignore"):
            trees = [ast.parse(one) for one in (text, original)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "same_program/not_python", []
    said = [_docstrings_of(tree) + _comments(one) for tree, one in zip(trees, (text, original), strict=True)]
    if ast.dump(trees[0]) != ast.dump(trees[1]):
        return "same_program/tree", []
    if code_tokens(text) != code_tokens(original):
        return "same_program/tokens", []
    lines = [len("\n".join(each).split("\n")) if each else 0 for each in said]
    if lines[0] <= lines[1]:
        return "same_program/no_comments", []
    return "", list((Counter(said[0]) - Counter(said[1])).elements())


def share_in(language: str, comments: list[str]) -> float:
    """Return the share of comments with words in a language: ja, or en for those without any character of Japanese."""
    told = [comment for comment in comments if _LETTER.search(comment)]
    fitting = [comment for comment in told if bool(_JAPANESE.search(comment)) == (language == "ja")]
    return len(fitting) / len(told) if told else 0.0


def _comments(text: str) -> list[str]:
    return [each.string for each in tokens(text) if each.type == tokenize.COMMENT]


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


def _docstrings_of(tree: ast.Module) -> list[str]:
    """Take the docstrings out of a tree, and return them."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text is not None:
                found.append(text)
                node.body = node.body[1:]
    return found


@dataclass(frozen=True, slots=True)
class SameProgram(Stage):
    """Keep the rows that are their label `original` with more comments or docstrings; the label goes."""

    version: ClassVar[int] = 1

    language: str  # of the comments: ja or en
    min_share: float | None = 0.5  # of new comments that are in it: names and links are in none
    timeout_s: float = 20.0  # of processor time for one row
    memory_mb: int = 1_024

    def rules(self) -> tuple[Rule, ...]:
        return at_least("same_program/other_language", "own_language", self.min_share)

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        asked, rules = Bounded(compared, self.timeout_s, self.memory_mb << 20), self.rules()
        for doc in rows:
            bare = doc.replace(labels={name: doc.labels[name] for name in doc.labels if name != ORIGINAL})
            try:
                reason, comments = asked(doc.text, doc.labels.get(ORIGINAL, ""))
            except Unfinished:
                reason, comments = "same_program/unfinished", []
            if reason:
                yield Rejected(bare, reason)
            else:
                yield judge(bare, {"own_language": share_in(self.language, comments)}, rules)
