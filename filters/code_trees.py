"""Whether code in other languages than Python parses: the share of error nodes in its tree, by tree-sitter.

tree/errors         more error nodes, or nodes that are missing, than the threshold allows
tree/unfinished     the parser took too long or died of it, see manifests.bounded
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from tree_sitter import Node, Parser
from tree_sitter_language_pack import get_parser

from manifests.bounded import Bounded, Unfinished
from manifests.errors import BadRecipe
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Stage, at_most, judge

# the names that Magicoder's seeds have, and a few more; all are grammars of tree-sitter-language-pack
LANGUAGES = (
    *("python", "cpp", "java", "typescript", "bash", "csharp", "rust", "php", "swift"),
    *("c", "javascript", "go", "ruby", "kotlin", "sql"),
)


def error_share(text: str, language: str) -> float:
    """Return the share of nodes in a text's tree that are errors or stand for what is missing; 1 for an empty text."""
    root = _parser(language).parse(text.encode("utf-8", "replace")).root_node
    if not root.has_error:
        return 0.0 if root.child_count else 1.0
    nodes = wrong = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        nodes += 1
        wrong += _is_wrong(node)
        waiting += node.children
    return wrong / nodes


def _is_wrong(node: Node) -> bool:
    return node.is_error or node.is_missing


@cache
def _parser(language: str) -> Parser:
    return get_parser(language)  # type: ignore[arg-type] # its type lists all names that it knows


@dataclass(frozen=True, slots=True)
class TreeSyntax(Stage):
    """Keep what parses as one language. A parser recovers from anything: a threshold says what is too much."""

    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("tree-sitter", "tree-sitter-language-pack")

    language: str
    max_error_share: float | None = 0.01  # of all nodes: macros and dialects are errors to a grammar
    timeout_s: float = 10.0  # of processor time for one file
    memory_mb: int = 1_024

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise BadRecipe(f"TreeSyntax: no grammar for {self.language!r}; expected one of {', '.join(LANGUAGES)}")

    def rules(self) -> tuple[Rule, ...]:
        return at_most("tree/errors", "error_share", self.max_error_share)

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        asked, rules = Bounded(error_share, self.timeout_s, self.memory_mb << 20), self.rules()
        for doc in rows:
            try:
                yield judge(doc, {"error_share": asked(doc.text, self.language)}, rules)
            except Unfinished:
                yield Rejected(doc, "tree/unfinished")
