"""A small dataset with all that can happen to a row: files of notes, and a recipe of three parts.

part 1  Words, Only("ja", Kana), Tidy      rules, rules for one language, and a dear step that alters rows
part 2  Copies                             a selection: equal notes, of which the one with the smallest id survives
part 3  HideMail, Sentences, Short         a step that alters rows, one that derives new rows, and a rule for these
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from manifests.manifest import SourceRecord
from manifests.rows import Document, Origin, Row, row_id
from manifests.stage import (
    Drop,
    Only,
    Recipe,
    Rejected,
    Rule,
    Rules,
    Selected,
    Selection,
    Stage,
    at_least,
    at_most,
    below,
)

PLAIN = "the little factory makes {n} datasets on a quiet day"
NOTES: tuple[tuple[str, str, str], ...] = (  # name, language, text; every eight of them are a file
    ("plain-1", "en", PLAIN.format(n=1)),
    ("plain-2", "en", PLAIN.format(n=2) + ". nobody else is awake. go"),
    ("short", "en", "only three words"),
    ("long", "en", "and so on " * 20),
    ("loud", "en", "BUY ONE FACTORY AND GET ONE FREE"),
    ("short-and-loud", "en", "BUY NOW"),
    ("untidy", "en", "the second line  \nhas no blanks at its end   \nbut the first one had"),
    ("mail", "en", "the keeper of the keys is called\nkeys@factory.example\nask for the small one"),
    ("copy-1", "en", "a factory that makes the same thing every day"),
    ("copy-2", "en", "a Factory that makes the same thing every day"),
    ("copy-3", "en", "a factory that makes the same thing EVERY day"),
    ("tidy-copy", "en", "a factory that makes the same thing every day   "),
    ("kana", "ja", "これ は 小さな 工場 の 日記 です。 今日 も データ を 作る"),
    ("kanji", "ja", "工場 製造 管理 部門 営業 時間 案内 東京 本社"),
    ("kana-2", "ja", "あした は 雨 が ふる と いう ので 工場 は 休み です"),
    ("plain-3", "en", PLAIN.format(n=3)),
    ("plain-4", "en", PLAIN.format(n=4) + " and two on a loud one"),
    ("plain-5", "en", "five words are quite enough"),
    ("plain-6", "en", "six words are more than enough"),
    ("loud-2", "en", "THE FACTORY is OPEN today"),
    ("short-2", "en", "two words"),
    ("mixed", "en", "some WORDS are LOUD and some are not"),
)
NOT_JSON = "this line is no note"  # stands at the end of the last file


def note_id(name: str) -> bytes:
    """The id of the row that a note becomes."""
    return row_id("document", "notes", name)


def write_notes(folder: Path) -> Path:
    """Write the notes as three files and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"name": name, "language": language, "text": text}) for name, language, text in NOTES]
    for number, start in enumerate(range(0, len(lines), 8)):
        part = lines[start : start + 8] + ([NOT_JSON] if start + 8 >= len(lines) else [])
        (folder / f"notes-{number}.jsonl").write_text("\n".join(part) + "\n", encoding="utf-8")
    return folder


@dataclass(frozen=True)
class NoteFile:
    """One file of notes, a note a line."""

    path: Path
    digest: str

    @property
    def key(self) -> str:
        return self.digest

    @property
    def file(self) -> str:
        return self.path.name

    def rows(self) -> Iterator[Row | Rejected]:
        offset = 0
        for line in self.path.read_bytes().splitlines(keepends=True):
            origin = Origin(self.file, offset, len(line), f"sha256:{hashlib.sha256(line).hexdigest()}")
            offset += len(line)
            try:
                note = json.loads(line)
            except ValueError:
                row = Document(id=row_id("document", "notes", f"{self.file}:{origin.offset}"), source="notes")
                yield Rejected(row, "input/not_json")
                continue
            yield Document(
                id=note_id(note["name"]),
                source="notes",
                url=f"https://www.{note['language']}.example/{note['name']}",
                language=note["language"],
                text=note["text"],
                origin=origin,
                labels={"name": note["name"]},
            )


@dataclass(frozen=True)
class Notes:
    """A folder of notes as the source of a run."""

    folder: Path

    def units(self, _store: object) -> list[NoteFile]:
        return [NoteFile(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in self._paths()]

    def records(self) -> tuple[SourceRecord, ...]:
        return tuple(SourceRecord(unit.file, unit.digest, unit.path.stat().st_size) for unit in self.units(None))

    def locations(self) -> dict[str, str]:
        return {path.name: str(path) for path in self._paths()}

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl"))


@dataclass(frozen=True, slots=True)
class Words(Rules):
    """Notes of a sensible length that do not shout."""

    min_words: float = 5
    max_words: float = 50
    max_capitals: float | None = 0.5  # share of words in capitals

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_least("words/few", "words/words", self.min_words),
            *at_most("words/many", "words/words", self.max_words),
            *at_most("words/loud", "words/capital_share", self.max_capitals),
        )

    def measure(self, row: Document) -> dict[str, float]:
        words = row.text.split()
        return {"words/words": len(words), "words/capital_share": sum(map(str.isupper, words)) / max(1, len(words))}


@dataclass(frozen=True, slots=True)
class Kana(Rules):
    """Japanese with some hiragana in it."""

    min_share: float = 0.2

    def rules(self) -> tuple[Rule, ...]:
        return at_least("kana/few", "kana/hiragana_share", self.min_share)

    def measure(self, row: Document) -> dict[str, float]:
        return {"kana/hiragana_share": len(re.findall("[ぁ-ん]", row.text)) / max(1, len(row.text))}


@dataclass(frozen=True, slots=True)
class Tidy(Stage):
    """No blanks at the ends of lines. Dear, so that a part of the recipe ends here."""

    dear: ClassVar[bool] = True

    def __call__(self, rows):
        for row in rows:
            text = "\n".join(line.rstrip() for line in row.text.split("\n"))
            yield row if text == row.text else row.replace(text=text)


@dataclass(frozen=True, slots=True)
class Copies(Selection):
    """One of the notes that differ in nothing but capitals."""

    below_similarity: float = 0.9

    def rules(self) -> tuple[Rule, ...]:
        return below("copies/copy", "copies/similarity", self.below_similarity)

    def select(self, view, map):  # noqa: ARG002
        places: dict[str, list[tuple[bytes, int, int]]] = {}
        for part in view.slices:
            for position, row in enumerate(part.rows()):
                places.setdefault(row.text.lower(), []).append((row.id, part.ordinal, position))
        return Selected(
            [
                Drop(ordinal, position, "copies/copy", 1.0, self.below_similarity, twin=min(same)[0])
                for same in places.values()
                for _, ordinal, position in sorted(same)[1:]
            ]
        )


@dataclass(frozen=True, slots=True)
class HideMail(Stage):
    """Mail addresses as <mail>."""

    def __call__(self, rows):
        for row in rows:
            text = re.sub(r"\S+@\S+", "<mail>", row.text)
            yield row if text == row.text else row.replace(text=text)


@dataclass(frozen=True, slots=True)
class Sentences(Stage):
    """Each sentence a row of its own; a note of one sentence stays as it is."""

    def __call__(self, rows):
        for row in rows:
            sentences = [sentence for sentence in re.split(r"\. ", row.text) if sentence]
            if len(sentences) == 1:
                yield row
                continue
            for part, sentence in enumerate(sentences):
                yield row.derive(part=part, text=sentence)


@dataclass(frozen=True, slots=True)
class Short(Rules):
    """Sentences of some characters."""

    min_chars: float = 8

    def rules(self) -> tuple[Rule, ...]:
        return at_least("short/chars", "short/chars", self.min_chars)

    def measure(self, row: Document) -> dict[str, float]:
        return {"short/chars": len(row.text)}


def recipe(
    *,
    min_words: float = 5,
    max_capitals: float | None = 0.5,
    min_share: float = 0.2,
    selects: bool = True,
    min_chars: float = 8,
) -> Recipe:
    """The recipe of three parts; without `selects` it has no selection, and two parts."""
    words = Words(min_words, max_capitals=max_capitals)
    copies = (Copies(),) if selects else ()
    return Recipe(
        "small", (words, Only("ja", Kana(min_share)), Tidy(), *copies, HideMail(), Sentences(), Short(min_chars))
    )
