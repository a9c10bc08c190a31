"""Prompts with their constraints as IFEval and M-IFEval keep them, and how replies do under them.

{"key": 7, "prompt": "...", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from filters.constraint import Constraint
from filters.verifiers import constraint
from manifests.errors import BadRow


@dataclass(frozen=True, slots=True)
class Record:
    """A prompt and what its reply has to satisfy."""

    key: int | str
    prompt: str
    constraints: tuple[Constraint, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record as the benchmarks keep it."""
        return {
            "key": self.key,
            "prompt": self.prompt,
            "instruction_id_list": [one.id for one in self.constraints],
            "kwargs": [one.kwargs for one in self.constraints],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a reply satisfies a constraint."""

    id: str
    strict: bool
    loose: bool


@dataclass(slots=True)
class Tally:
    """How many of some checks came out well."""

    count: int = 0
    strict: int = 0
    loose: int = 0

    def add(self, *, strict: bool, loose: bool) -> None:
        self.count += 1
        self.strict += strict
        self.loose += loose

    def to_json(self) -> dict[str, float]:
        """Return the count, and the shares of it (0 to 1)."""
        whole = self.count or 1
        return {"count": self.count, "strict": self.strict / whole, "loose": self.loose / whole}


@dataclass(slots=True)
class Accuracy:
    """Strict and loose accuracy: by prompt (all of its constraints), by instruction, and by id."""

    prompts: Tally = field(default_factory=Tally)
    instructions: Tally = field(default_factory=Tally)
    by_id: dict[str, Tally] = field(default_factory=dict)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Count the verdicts on one reply."""
        found = list(verdicts)
        for one in found:
            for tally in (self.instructions, self.by_id.setdefault(one.id, Tally())):
                tally.add(strict=one.strict, loose=one.loose)
        self.prompts.add(strict=all(one.strict for one in found), loose=all(one.loose for one in found))

    def to_json(self) -> dict[str, Any]:
        """Return counts and shares."""
        ids = {name: self.by_id[name].to_json() for name in sorted(self.by_id)}
        return {"prompts": self.prompts.to_json(), "instructions": self.instructions.to_json(), "by_id": ids}


def verdicts(constraints: Iterable[Constraint], reply: str) -> list[Verdict]:
    """Return what the constraints say of a reply, in their order; what is strictly satisfied is so loosely."""
    found = [(one, one.check(reply)) for one in constraints]
    return [Verdict(one.id, strict, strict or one.loose(reply)) for one, strict in found]


def record(value: Any) -> Record:
    """Return the record of a JSON object; further columns are left out. Raises BadRow."""
    if not isinstance(value, Mapping):
        raise BadRow(f"{value!r:.80} is no record; expected an object with instruction_id_list and kwargs")
    ids, kwargs = value.get("instruction_id_list"), value.get("kwargs")
    if not isinstance(ids, list) or not isinstance(kwargs, list) or len(ids) != len(kwargs) or not ids:
        raise BadRow(f"ids {ids!r:.80} with kwargs {kwargs!r:.80}; expected two lists of one length, 1 or more")
    for name, one in zip(ids, kwargs, strict=True):
        if not isinstance(name, str) or not isinstance(one, dict):
            raise BadRow(f"id {name!r:.80} with kwargs {one!r:.80}; expected a text and an object")
    prompt, key = value.get("prompt", ""), value.get("key", "")
    if not isinstance(prompt, str) or not isinstance(key, str | int):
        raise BadRow(f"key {key!r:.80}, prompt {prompt!r:.80}; expected a number or a text, and a text")
    return Record(key, prompt, tuple([constraint(name, one) for name, one in zip(ids, kwargs, strict=True)]))


def json_lines(lines: Iterable[str], where: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the objects of JSON lines with their place. Raises BadRow where a line is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{where}, line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadRow(f"{place}: no JSON ({error}); expected one object a line") from error
        if not isinstance(value, dict):
            raise BadRow(f"{place}: {type(value).__name__}; expected an object")
        yield place, value
