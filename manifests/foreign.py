"""Records of other people's files as rows, told apart by the names of their columns.

chosen, rejected, prompt     a preference: each a text or a list of turns; the prompt may stand inside the replies
messages, conversation(s)    a conversation: turns of role and content, or ShareGPT's from and value; a content may be
                             OpenAI's list of parts, of which the texts are taken, or nothing beside a tool call
text                         a document
input_ids                    tokens

Columns named as ours (url, language, ...) fill those. Every other one becomes a label, as text: nothing is lost. A
record that koba exported keeps its id, so that what goes out and comes in again is the same dataset.

Refused:

import/no_text      there is nothing in the column that should hold the row
import/bad_type     that column, or the id, is of another type than expected
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from manifests.canonical import MAX_SAFE_INTEGER
from manifests.rows import STORED_KINDS, Message, Origin, Row, row_id
from manifests.stage import Rejected

TURNS = ("messages", "conversations", "conversation")
_SPEAKERS = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant"}
_TEXTS = ("source", "url", "date", "language", "licence")
_OWN_ID = re.compile("[0-9a-f]{32}")
_CALL = re.compile("[0-9a-f]{64}")
_MAX_INT = 2**31 - 1  # what our columns of whole numbers hold
_Record = dict[str, Any]
_NOTHING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """How records become rows: all of it is part of what the rows depend on."""

    kind: str
    source: str  # of records that name none
    text: str = "text"  # the column that holds a document's text
    drop: tuple[str, ...] = ()  # columns that are left out
    version: int = 2  # raised by hand when the same record gives another row

    def row(self, given: Mapping[str, Any], origin: Origin, locator: str) -> Row | Rejected:
        """Return the row of one record, which was read at `origin`; `locator` names it where it has no id.

        A record that is refused is named by its place alone: its id may be that of a better one, which follows.
        """
        left = {name: value for name, value in given.items() if value is not None and name not in self.drop}
        try:
            own = _is_own(left)
            named = self._named(left, locator, own)
            payload = _PAYLOADS[self.kind](self, left, own)
        except (TypeError, UnicodeEncodeError):
            return Rejected(self.nameless(locator, origin), "import/bad_type")
        if not (own or _filled(payload)):
            return Rejected(self.nameless(locator, origin), "import/no_text")
        named["origin"] = origin
        if left:
            named |= (_own_facts(left) if own else {}) | _facts(left)
            named["labels"] = _labels(left)
        return STORED_KINDS[self.kind](**named, **payload)

    def reads(self, path: str) -> bool:
        """Tell whether a column of a Parquet file is needed; `path` is that of its leaf, with dots between names."""
        return path not in self.drop and path.partition(".")[0] not in self.drop

    def nameless(self, locator: str, origin: Origin) -> Row:
        """Return a row without content, for a record that cannot be read."""
        return STORED_KINDS[self.kind](id=row_id(self.kind, self.source, locator), source=self.source, origin=origin)

    def _named(self, left: _Record, locator: str, own: bool) -> _Record:
        source = left.pop("source") if isinstance(left.get("source"), str) else self.source
        name = left.pop("id", "")
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise TypeError
        made = bytes.fromhex(str(name)) if own else row_id(self.kind, source, str(name) or locator)
        return {"id": made, "source": source}


def kind_of(columns: Collection[str], text: str = "text") -> str | None:
    """Return the kind of row that records with these columns hold, or None where no column is known."""
    if {"chosen", "rejected"} <= set(columns):
        return "preference"
    if any(name in columns for name in TURNS):
        return "conversation"
    if text in columns:
        return "document"
    return "tokens" if "input_ids" in columns else None


def unknown(columns: Collection[str], reading: Reading) -> list[str]:
    """Return the columns that become labels."""
    payload = reading.text if reading.kind == "document" else next((name for name in TURNS if name in columns), "")
    fields = {*STORED_KINDS[reading.kind].__struct_fields__} - {"text", "messages"}
    return [name for name in columns if name not in {*fields, *reading.drop, "hash", "license", payload}]


def _is_own(record: Mapping[str, Any]) -> bool:
    """Tell whether koba wrote a record: it has an id and a hash as we write them."""
    return "hash" in record and all(
        isinstance(record.get(name), str) and _OWN_ID.fullmatch(record[name]) for name in ("id", "hash")
    )


def _own_facts(left: _Record) -> dict[str, Any]:
    del left["hash"]
    facts: dict[str, Any] = {}
    parents, call, origin = left.get("parents"), left.get("call"), left.get("origin")
    if isinstance(parents, list) and all(isinstance(one, str) and _OWN_ID.fullmatch(one) for one in parents):
        facts["parents"] = tuple([bytes.fromhex(one) for one in left.pop("parents")])
    if isinstance(call, str) and _CALL.fullmatch(call):
        facts["call"] = bytes.fromhex(left.pop("call"))
    try:
        facts["origin"] = msgspec.convert(origin, Origin)
        del left["origin"]
    except msgspec.ValidationError:
        facts["origin"] = None
    return facts


def _facts(left: _Record) -> dict[str, Any]:
    """Take the columns that are named as ours and hold what ours hold."""
    facts: dict[str, Any] = {}
    if "licence" not in left and isinstance(left.get("license"), str):
        left["licence"] = left.pop("license")
    for name in _TEXTS:
        if name not in left:
            continue
        if isinstance(left[name], datetime | date):
            left[name] = left[name].isoformat()
        if isinstance(left[name], str):
            facts[name] = left.pop(name)
    if _is_number(left.get("language_score")):
        facts["language_score"] = float(left.pop("language_score"))
    count: Any = left.get("token_count")
    if _is_number(count) and 0 <= count <= _MAX_INT and count == int(count):
        facts["token_count"] = int(left.pop("token_count"))
    scores = _without_nulls(left.get("scores"))
    if scores is not None and all(_is_number(value) for value in scores.values()):
        facts["scores"] = {name: float(value) for name, value in scores.items()}
        del left["scores"]
    return facts


def _labels(left: _Record) -> dict[str, str]:
    """Return what is left as labels; a column named like one of the labels gives way to it."""
    given = _without_nulls(left.get("labels"))
    labels: dict[str, str] = {}
    if given is not None and all(isinstance(value, str) for value in given.values()):
        labels = given
        del left["labels"]
    for name, value in left.items():
        while name in labels:
            name += "_"  # noqa: PLW2901 - the names that are taken are few
        labels[name] = _label(value)
    return labels


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= MAX_SAFE_INTEGER)


def _without_nulls(value: Any) -> dict[str, Any] | None:
    return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else None


def _filled(payload: Mapping[str, Any]) -> bool:
    """Tell whether there is something in each part of a payload."""
    return all(value.strip() if isinstance(value, str) else value for value in payload.values())


# Payloads: each takes its columns out of the record, and raises TypeError where one is not what it should be


def _document(reading: Reading, left: _Record, _own: bool) -> _Record:
    text = left.pop(reading.text, "")
    if not isinstance(text, str):
        raise TypeError
    return {"text": text}


def _conversation(_reading: Reading, left: _Record, _own: bool) -> _Record:
    column = next((name for name in TURNS if name in left), TURNS[0])
    return {"messages": _turns(column, left)}


def _preference(_reading: Reading, left: _Record, own: bool) -> _Record:
    prompt = _turns("prompt", left, "user")
    chosen, rejected = (_turns(name, left, "assistant") for name in ("chosen", "rejected"))
    if own:
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    if not prompt:  # TRL's implicit prompt: the turns that both replies begin with
        same = [a == b for a, b in zip(chosen, rejected, strict=False)]
        prompt = chosen[: same.index(False) if False in same else len(same)]
    if chosen[: len(prompt)] == rejected[: len(prompt)] == prompt:
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def _tokens(_reading: Reading, left: _Record, _own: bool) -> _Record:
    ids = left.pop("input_ids", [])
    if not isinstance(ids, list) or not all(type(one) is int and 0 <= one <= _MAX_INT for one in ids):
        raise TypeError
    return {"input_ids": tuple(ids)}


def _turns(column: str, left: _Record, speaker: str | None = None) -> tuple[Message, ...]:
    """Take a column of turns; a plain text is one turn of `speaker`. What else a turn holds becomes a label."""
    given = left.pop(column, [])
    if isinstance(given, str) and speaker:
        return (Message(speaker, given),) if given else ()
    if not isinstance(given, list):
        raise TypeError
    turns, rest, odd = [], [], False
    for one in given:
        turn = _without_nulls(one)
        if turn is None:
            raise TypeError
        if len(turn) == 2 and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str):
            turns.append(Message(turn["role"], turn["content"]))  # nearly all turns are no more than this
            rest.append(_NOTHING)
            continue
        names = ("role", "content") if "role" in turn else ("from", "value")
        role, content = (turn.pop(name, None) for name in names)
        if not isinstance(content, str):
            content, odd = _parts_of(content, turn), True
        if not isinstance(role, str):
            raise TypeError
        turns.append(Message(_SPEAKERS.get(role.lower(), role) if names[0] == "from" else role, content))
        rest.append(turn)
    if odd and not any(turn.content for turn in turns):
        raise TypeError
    if any(rest):
        left[column] = rest
    return tuple(turns)


def _parts_of(content: Any, turn: _Record) -> str:
    """Return the texts among the parts of a turn, one below the other; the other parts stay in `turn`."""
    if content is None:
        return ""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise TypeError
    texts = [part for part in content if isinstance(part.get("text"), str)]
    if others := [part for part in content if part not in texts]:
        turn["content"] = others
    return "\n".join([part["text"] for part in texts])


_PAYLOADS: dict[str, Callable[[Reading, _Record, bool], _Record]] = {
    "document": _document,
    "conversation": _conversation,
    "preference": _preference,
    "tokens": _tokens,
}
