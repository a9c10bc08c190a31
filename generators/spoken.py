"""Problems in a language that we have prompts for.

spoken/other    the problem is in another language
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from filters.language import kana_share
from manifests.rows import Document
from manifests.stage import Rejected, Stage


@dataclass(frozen=True, slots=True)
class Spoken(Stage):
    """Keep the problems of some languages. One of which nothing is said is Japanese where it has kana, else English.

    Problems are too short, and too full of names and numbers, for a model of languages to be sure of.
    """

    version: ClassVar[int] = 1

    languages: tuple[str, ...] = ("en", "ja")

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for row in rows:
            language = row.language or ("ja" if kana_share(row.text) else "en")
            if language not in self.languages:
                yield Rejected(row, "spoken/other")
            else:
                yield row if row.language else row.replace(language=language)
