"""Lists in replies: one item a line, numbered or with bullets. Numbered prose is no list.

numbered/no_list    fewer items than asked for, or sentences in the place of items
numbered/repeated   an item that is there already, or in the list that it belongs to
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from manifests.rows import Document
from manifests.stage import Rejected, Stage

_ITEM = re.compile(r"[ \t]{0,3}(?:(\d{1,3})[.)、．:]|[-*•])[ \t]*(\S[^\n]*)")
_MARKS = re.compile(r"^[\"'「*`_]+|[\"'」*`_]+$")
_SENTENCE_END = re.compile(r"[.!?][\"')]*\s|[。！？]")


def items(reply: str, most_chars: int, *, sentences: bool = False) -> list[str] | None:
    """Return the items of the one list in a reply, in order, or None where it is no list.

    None: a number out of order, an item that is too long, or, unless sentences are wanted, one of several sentences.
    """
    found = [match for line in reply.splitlines() if (match := _ITEM.fullmatch(line.rstrip()))]
    numbers = [int(match[1]) for match in found if match[1]]
    if not found or (numbers and numbers != list(range(1, len(found) + 1))):
        return None
    texts = [_MARKS.sub("", match[2].strip()).strip() for match in found]
    prose = [text for text in texts if len(text) > most_chars or (not sentences and _SENTENCE_END.search(text[:-1]))]
    return None if prose or not all(texts) else texts


def listed(doc: Document, found: list[str] | None, count: int, source: str) -> Document | Rejected:
    """Return a row that holds a list, for `Itemised` to part, or a reject where there are not enough items."""
    if found is None or len(found) < count:
        return Rejected(doc, "numbered/no_list", float(len(found or ())), float(count))
    return doc.derive(text=msgspec.json.encode(found[:count]).decode(), source=source)


@dataclass(frozen=True, slots=True)
class Itemised(Stage):
    """Make a row of each item of a list: its text, which is also the label `name`; `name`_id is its number."""

    name: str

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for doc in rows:
            seen: set[str] = set()
            for number, text in enumerate(msgspec.json.decode(doc.text, type=list[str])):
                labels = {**doc.labels, self.name: text, f"{self.name}_id": str(number)}
                made = doc.derive(part=number, text=text, labels=labels)
                folded = " ".join(text.casefold().split())
                yield Rejected(made, "numbered/repeated") if folded in seen else made
                seen.add(folded)
