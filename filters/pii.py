"""Personal data in a text: found, and masked under the same id.

    MaskPii()                    mail addresses, IP addresses, telephone and card numbers
    MaskPii(my_number=True)      and Japanese individual numbers
    MaskPii(code=False)          all but what stands in the fences and code spans of Markdown

What is found is replaced as FineWeb does it, by addresses that lead nowhere (example.com, IP addresses that answer
nobody) and by numbers of zeros. The values count what was found, by kind; the ledger keeps the new text. Nothing is
refused. Within a text, equal data get equal placeholders while there are some left, and a masked text stays as it is.
Title, URL and labels of the row are not looked at.

Code is better left alone: of 47 places in the code of 105 English pages 41 were examples (john@example.com) or names of
machines, and code with another address in it is another program.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from filters import pii_patterns
from filters.markdown_code import blanked
from filters.pii_patterns import Find
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Stage

# The kinds and how each is found, in the order in which they claim a place.
KINDS: dict[str, Find] = {
    "mails": pii_patterns.mails,
    "ips": pii_patterns.ips,
    "cards": pii_patterns.cards,
    "my_numbers": pii_patterns.my_numbers,
    "phones": pii_patterns.phones,
}


@dataclass(frozen=True, slots=True)
class MaskPii(Stage):
    """Mask personal data. The places of a kind are filled in turn from its placeholders; none: the kind is left."""

    mails: tuple[str, ...] = ("email@example.com", "firstname.lastname@example.org")  # FineWeb's, as the next
    ips: tuple[str, ...] = (
        "22.214.171.124",
        "126.96.36.199",
        "188.8.131.52",
        "184.108.40.206",
        "220.127.116.11",
        "18.104.22.168",
    )
    phones: tuple[str, ...] = ("000-0000-0000",)
    cards: tuple[str, ...] = ("0000-0000-0000-0000",)
    my_number: bool = False  # any of 11 numbers of 12 digits looks like one
    my_numbers: tuple[str, ...] = ("0000-0000-0000",)
    code: bool = True  # False: the text is Markdown, and its code stays as it is

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        for doc in rows:
            text, counts = self.mask(doc.text)
            values = {f"pii/{kind}": float(counts[kind]) for kind in KINDS}
            yield Kept(doc.replace(text=text) if text != doc.text else doc, values)

    def mask(self, text: str) -> tuple[str, Counter[str]]:
        """Return a text without personal data, and how many places of each kind were masked."""
        plain = pii_patterns.plain(text if self.code else blanked(text))
        placeholders = {kind: _Placeholders(getattr(self, kind)) for kind in KINDS if getattr(self, kind)}
        if not self.my_number:
            placeholders.pop("my_numbers", None)
        spans = [
            (*span, kind)
            for kind, known in placeholders.items()
            for span in KINDS[kind](plain)
            if plain[slice(*span)] not in known.texts
        ]
        parts: list[str] = []
        end = 0
        for start, stop, kind in (chosen := _apart(spans, len(text))):
            parts += (text[end:start], placeholders[kind].of(plain[start:stop]))
            end = stop
        return "".join([*parts, text[end:]]), Counter(kind for _, _, kind in chosen)


class _Placeholders:
    """What stands for the data of one kind in one text."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.texts = texts
        self._given: dict[str, str] = {}

    def of(self, found: str) -> str:
        return self._given.setdefault(found, self.texts[len(self._given) % len(self.texts)])


def _apart(spans: list[tuple[int, int, str]], size: int) -> list[tuple[int, int, str]]:
    """Return the spans by place, without those that overlap an earlier one of the list."""
    taken = bytearray(size)
    chosen = []
    for start, end, kind in spans:
        if 1 not in taken[start:end]:
            taken[start:end] = b"\1" * (end - start)
            chosen.append((start, end, kind))
    return sorted(chosen)
