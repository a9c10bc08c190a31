"""Rows with some text in them: a fixed string or a regular expression, over all shards of a dataset.

    for match in grep(store, manifest, "factory", fixed=True):
        print(match.row_id.hex(), match.url, match.excerpt)

Polars looks through a whole shard at once (Rust's regular expressions: linear time, no look-around or back references).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from manifests import shard
from manifests.errors import BadRecipe
from manifests.manifest import Manifest
from manifests.plain import plain
from manifests.stage import Map
from manifests.store import Store
from manifests.view import Slice, View

AROUND_CHARS = 60  # of an excerpt, on either side of the match
_FIELDS = {"document": ("text",), "conversation": ("messages",), "preference": ("prompt", "chosen", "rejected")}


@dataclass(frozen=True, slots=True)
class Match:
    """The first match in one text of a row: in a document's text, or in one turn of a chat."""

    row_id: bytes
    url: str | None
    field: str  # "text", or of a chat "messages[2] assistant"
    start: int  # characters from the start of that text
    end: int
    excerpt: str
    excerpt_start: int  # characters from the start of the text to that of the excerpt
    more: int  # further matches in the same text

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        told: dict[str, Any] = plain(self)
        return {"id": told.pop("row_id"), **told}


def grep(
    store: Store,
    manifest: Manifest,
    pattern: str,
    *,
    fixed: bool = False,
    ignore_case: bool = False,
    limit: int | None = None,
    map: Map = map,
) -> Iterator[Match]:
    """Yield the matches of a pattern, in the order of the rows, one for each text that has any; `limit` at the most.

    Raises BadRecipe for a pattern that is none, and for rows without a text.
    """
    if manifest.kind not in _FIELDS:
        raise BadRecipe(
            f"rows of kind {manifest.kind} hold no text to look through; look in the dataset they came from"
        )
    if not pattern:
        raise BadRecipe("an empty pattern is in every row; give at least one character")
    literal = fixed and not ignore_case
    expression = pl.escape_regex(pattern) if fixed and ignore_case else pattern
    work = _Grep(f"(?i){expression}" if ignore_case else expression, literal, limit)
    try:
        work.find(pl.Series([""]))
    except pl.exceptions.ComputeError as error:
        why = " ".join(str(error).partition("This error")[0].split())
        raise BadRecipe(
            f"{pattern!r} is no regular expression: {why}; it can be looked for as a fixed string"
        ) from error
    found = (match for matches in map(work, View(store, manifest).slices) for match in matches)
    return islice(found, limit)


@dataclass(frozen=True, slots=True)
class _Hit:
    """The first match in one text of a shard, in bytes of UTF-8."""

    row: int  # of the visible ones
    field: str
    text: str
    start: int
    length: int
    more: int


@dataclass(frozen=True)
class _Grep:
    pattern: str
    literal: bool
    limit: int | None

    def __call__(self, part: Slice) -> list[Match]:
        data = part.store.get(part.entry.shard)
        fields = _FIELDS[part.kind]
        hits = [hit for field in fields for hit in self._in(part.visible(shard.read_parquet(data, [field])), field)]
        hits = sorted(hits, key=lambda hit: hit.row)[: self.limit]
        if not hits:
            return []
        named = part.visible(shard.read_parquet(data, ["id", "url"])).take(pa.array([hit.row for hit in hits]))
        return [_match(hit, line["id"], line["url"]) for hit, line in zip(hits, named.to_pylist(), strict=True)]

    def find(self, texts: pl.Series) -> pl.Series:
        """Return the positions of the texts that have a match, up to the limit."""
        return texts.str.contains(self.pattern, literal=self.literal).arg_true().head(self.limit or len(texts))

    def _in(self, table: pa.Table, field: str) -> Iterator[_Hit]:
        if field == "text":
            yield from self._hits(pl.Series(pl.from_arrow(table[field])), lambda place: (place, field))
        elif len(table):
            column = table[field].combine_chunks()
            rows, turns, offsets = pc.list_parent_indices(column), column.flatten(), column.offsets

            def name(place: int) -> tuple[int, str]:
                row = rows[place].as_py()
                return row, f"{field}[{place - offsets[row].as_py()}] {turns[place]['role']}"

            yield from self._hits(pl.Series(pl.from_arrow(turns.field("content"))), name)

    def _hits(self, texts: pl.Series, name: Callable[[int], tuple[int, str]]) -> Iterator[_Hit]:
        """Yield the hits in some texts; `name` gives a text's row and what it is in that row."""
        found = self.find(texts)
        few = texts.gather(found)
        starts = few.str.find(self.pattern, literal=self.literal)
        parts = few.str.extract(self.pattern, 0) if not self.literal else [self.pattern] * len(few)
        counts = few.str.count_matches(self.pattern, literal=self.literal)
        for place, text, start, part, count in zip(found, few, starts, parts, counts, strict=True):
            yield _Hit(*name(place), text, start, len(part.encode()), count - 1)


def _match(hit: _Hit, row_id: bytes, url: str | None) -> Match:
    data = hit.text.encode()
    start = len(data[: hit.start].decode())
    end = start + len(data[hit.start : hit.start + hit.length].decode())
    begin = max(0, start - AROUND_CHARS)
    excerpt = hit.text[begin : end + AROUND_CHARS]
    return Match(row_id, url, hit.field, start, end, excerpt, begin, hit.more)
