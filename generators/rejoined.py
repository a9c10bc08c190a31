"""Segments put together again, in the frame of their document or conversation.

segments/lost    a segment is missing: its number, counted from 1, against how many there are; `lost` says how many are
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from generators.segments import FRAME, LABELS, NUMBER, OF, Turn, frame_of
from manifests import canonical
from manifests.errors import BadRow
from manifests.provenance import CALLS_LABEL
from manifests.rows import Conversation, Document, Message, Row
from manifests.stage import Rejected, Stage

_ADDED_UP = ("generate/tokens_in", "generate/tokens_out", "generate/logprob")


@dataclass(frozen=True, slots=True)
class Rejoined(Stage):
    """Make one row of the segments of each original: with one missing, that row is refused.

    A document of one segment goes on as the row that it is. All others are made of their segments, which are their
    parents; scores are averages over the segments, tokens and log-probabilities sums.
    """

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Rejected]:
        for _, group in groupby(rows, key=lambda row: row.parents):
            segments = {int(row.labels[NUMBER]): row for row in self._checked(group)}
            first = next(iter(segments.values()))
            count = int(first.labels[OF])
            lost = [number for number in range(count) if number not in segments]
            if lost:
                refused = first.derive(parents=_ids(segments.values()))
                yield Rejected(refused, "segments/lost", lost[0] + 1.0, float(count), values={"lost": float(len(lost))})
                continue
            yield _whole([segments[number] for number in range(count)])

    def _checked(self, rows: Iterable[Document]) -> Iterator[Document]:
        seen = set()
        for row in rows:
            if NUMBER not in row.labels or row.labels[NUMBER] in seen:
                raise BadRow(
                    f"Rejoined: row {row.hex}: expected one row for each segment; split with Segments, then Best"
                )
            seen.add(row.labels[NUMBER])
            yield row


def _whole(segments: list[Document]) -> Row:
    first = segments[0]
    frame = frame_of(first.labels)
    if frame is None:
        raise BadRow(f"Rejoined: row {first.hex} is a first segment without its {FRAME}")
    turns = _filled(frame, [row.text for row in segments])
    labels = {name: first.labels[name] for name in first.labels if name not in LABELS}
    document = frame[0].role is None
    if document and len(segments) == 1:
        return first.replace(text=turns[0], labels=labels)
    calls = [key for row in segments for key in row.labels.get(CALLS_LABEL, (row.call or b"").hex()).split()]
    if calls:
        labels[CALLS_LABEL] = " ".join(calls)
    facts: dict[str, Any] = {"labels": labels, "scores": _scores(segments), "parents": _ids(segments)}
    facts["call"] = canonical.digest_parts(b"calls", *map(bytes.fromhex, calls)) if calls else None
    made = first.derive(text=turns[0] if document else "", **facts)
    if document:
        return made
    messages = [Message(turn.role or "", text) for turn, text in zip(frame, turns, strict=True)]
    return Conversation(**made.shared(), messages=tuple(messages))


def _filled(frame: list[Turn], texts: list[str]) -> list[str]:
    """Return the texts of a frame with segments in the places of its None."""
    given = iter(texts)
    return ["".join([next(given) if piece is None else piece for piece in turn.pieces]) for turn in frame]


def _scores(segments: list[Document]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in sorted({name for row in segments for name in row.scores}):
        known = [row.scores[name] for row in segments if name in row.scores]
        found[name] = sum(known) if name in _ADDED_UP else sum(known) / len(known)
    return found


def _ids(rows: Iterable[Row]) -> tuple[bytes, ...]:
    return tuple([row.id for row in rows])
