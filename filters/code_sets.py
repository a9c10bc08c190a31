"""The gates for code of one programming language, in order: what it must be before and after a model rewrites it.

    code_gates("python")        PythonSyntax, CodeScripts, CodeRepetition, Lint, LintScore
    code_gates("rust")          TreeSyntax, CodeRepetition

A row says in its label `programming_language` what it is written in.

code_language/other     it is written in another one
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from filters.code_lint import Lint, LintScore
from filters.code_repetition import CodeRepetition
from filters.code_syntax import PythonSyntax
from filters.code_tokens import CodeScripts
from filters.code_trees import TreeSyntax
from manifests.rows import Document
from manifests.stage import Rejected, Stage

LABEL = "programming_language"


@dataclass(frozen=True, slots=True)
class CodeIn(Stage):
    """Keep the files that are written in one programming language; one that does not say is left to the next gates."""

    language: str

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for doc in rows:
            yield doc if doc.labels.get(LABEL, self.language) == self.language else Rejected(doc, "code_language/other")


def parses(language: str) -> Stage:
    """Return the gate that asks for code without errors of syntax. Raises BadRecipe for a language without one."""
    return PythonSyntax() if language == "python" else TreeSyntax(language)


def code_gates(language: str, min_score: float | None = 7.0) -> tuple[Stage, ...]:
    """Return SwallowCode's gates for a language; `min_score` is pylint's, None leaves it out, and is for Python alone.

    Raises BadRecipe for a language without a grammar.
    """
    if language != "python":
        return parses(language), CodeRepetition()
    lint = () if min_score is None else (Lint(), LintScore(min_score))
    return PythonSyntax(), CodeScripts(), CodeRepetition(), *lint
