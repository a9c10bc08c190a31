"""Snippets of code that inspire new problems: a run of lines from a random place of each file (Magicoder's seeds).

snippets/nothing    the file has no line that says anything
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generators.code_items import SNIPPET, drawn
from manifests.rows import Document
from manifests.stage import Rejected, Stage


@dataclass(frozen=True, slots=True)
class Snippets(Stage):
    """Make snippets of each file: 1 to 15 lines in a row from a random line on, drawn by the file's id and the seed."""

    per_file: int = 1
    max_lines: int = 15
    seed: int = 976  # Magicoder's

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for doc in rows:
            lines = doc.text.splitlines()
            said = [number for number, line in enumerate(lines) if line.strip()]
            if not said:
                yield Rejected(doc, "snippets/nothing")
                continue
            rng = drawn(self.seed, "snippet", doc.id)
            for part in range(self.per_file):
                start = rng.choice(said)
                text = "\n".join(lines[start : start + rng.randint(1, self.max_lines)])
                labels = {**doc.labels, SNIPPET: text, "snippet_line": str(start + 1)}
                yield doc.derive(part=part, text=text, source="snippets", labels=labels)
