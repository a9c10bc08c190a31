"""Records of chat datasets as conversations: WildChat, LMSYS-Chat, ShareGPT and OpenAI's `messages`.

WildChat    conversation_hash is the hash of a content, which other conversations may have too: the id is that and the
            turn_identifier of the first turn. Licence: ODC-By-1.0
LMSYS       conversation_id is the id
ShareGPT    `conversations` of `from` and `value`; id is the id
messages    `messages` of `role` and `content`; id is the id, or else the place in the file

Flags become labels, "true" or "false": `toxic` and `redacted` (of the conversation or of any of its turns), `flagged`
(by OpenAI's moderation, whose categories are in `moderation`). What the source says of the language becomes the
language, as a code, and as it stands the label `said_language`. People's addresses and browsers are not read at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from corpus.language_names import code_of
from manifests.foreign import TURNS, Reading
from manifests.rows import Origin, Row
from manifests.stage import Rejected

SAID = "said_language"
WILDCHAT_LICENCE = "ODC-By-1.0"
UNSAID = frozenset({"", "unknown"})  # what stands for a language that nobody knows
_DROPPED = ("turn", "state", "country", "hashed_ip", "header", "detoxify_moderation")  # `turn` is their number
_UNREAD = frozenset({*_DROPPED, "category_scores"})  # at any depth
_FLAGS = ("toxic", "redacted")
_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChatReading(Reading):
    """How records of chats become conversations: all of it is part of what the rows depend on."""

    chat_version: int = 1  # raised by hand when the same record gives another row

    def row(self, given: Mapping[str, Any], origin: Origin, locator: str) -> Row | Rejected:
        """Return the conversation of one record; see `Reading.row`."""
        return Reading.row(self, _plainer(given), origin, locator)

    def reads(self, path: str) -> bool:
        """Tell whether a column of a Parquet file is needed, at whatever depth it is."""
        return Reading.reads(self, path) and _UNREAD.isdisjoint(path.split("."))


def _plainer(given: Mapping[str, Any]) -> _Record:
    """Return a record in the terms of `Reading`: turns of role and content, our names of columns, and labels."""
    record = {name: value for name, value in given.items() if value is not None and name not in _DROPPED}
    column = next((name for name in TURNS if name in record), TURNS[0])
    turns = record.get(column)
    turns = turns if isinstance(turns, list) else []
    dicts = [turn for turn in turns if isinstance(turn, dict)]
    _name(record, column, dicts)
    labels = dict(record["labels"]) if isinstance(record.get("labels"), dict) else {}
    rich = [turn for turn in dicts if len(turn) > 2]  # more than a role and a content
    for flag in _FLAGS:
        if (known := _any_of([record.pop(flag, None), *[turn.get(flag) for turn in rich]])) is not None:
            labels[flag] = known
    _moderate(record, labels)
    _language(record, labels)
    if rich:
        said = {turn["language"] for turn in rich if isinstance(turn.get("language"), str)}
        if said - {labels.get(SAID)}:
            labels["turn_languages"] = ",".join(sorted(said))
        if len(dicts) == len(turns):
            record[column] = [_bare(turn) for turn in dicts]
    if labels and isinstance(record.get("labels", labels), dict):
        record["labels"] = labels
    return record


def _name(record: _Record, column: str, turns: list[_Record]) -> None:
    """Set id, source, date and licence from what the datasets call them."""
    if isinstance(record.get("conversation_hash"), str):
        first = turns[0].get("turn_identifier") if turns else None
        name = record.pop("conversation_hash")
        record["id"] = name if first is None else f"{name}/{first}"
        record.setdefault("source", "wildchat")
        record.setdefault("licence", record.pop("license", WILDCHAT_LICENCE))
    elif "conversation_id" in record:
        record["id"] = record.pop("conversation_id")
        record.setdefault("source", "wildchat" if "timestamp" in record else "lmsys-chat")
    elif column == "conversations":
        record.setdefault("source", "sharegpt")
    if isinstance(record.get("timestamp"), str):
        record.setdefault("date", record.pop("timestamp").replace(" ", "T", 1))


def _moderate(record: _Record, labels: dict[str, str]) -> None:
    """Reduce OpenAI's verdicts, one for each turn, to one. Its categories have two spellings, of which one is null."""
    verdicts = record.get("openai_moderation")
    if not isinstance(verdicts, list) or not all(isinstance(one, dict) for one in verdicts):
        return
    del record["openai_moderation"]
    if (flagged := _any_of([one.get("flagged") for one in verdicts])) is not None:
        labels["flagged"] = flagged
    given = [one["categories"] for one in verdicts if isinstance(one.get("categories"), dict)]
    found = {
        name.replace("/", "_").replace("-", "_") for each in given for name, value in each.items() if value is True
    }
    if found:
        labels["moderation"] = ",".join(sorted(found))


def _language(record: _Record, labels: dict[str, str]) -> None:
    said = record.get("language")
    if isinstance(said, str):
        del record["language"]
        if said.strip().lower() not in UNSAID:
            labels.setdefault(SAID, said)
            record["language"] = code_of(said)


def _any_of(flags: Iterable[Any]) -> str | None:
    """Return whether any flag is set, as a label; None where none is known."""
    known = [flag for flag in flags if isinstance(flag, bool)]
    return str(any(known)).lower() if known else None


def _bare(turn: _Record) -> _Record:
    names = ("role", "content") if "role" in turn else ("from", "value")
    return {name: turn[name] for name in names if name in turn}
