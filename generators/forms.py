"""What a reply has to look like: one of some words, a pattern, or JSON after a schema.

    Sampling(max_tokens=8, form=Choice(("yes", "no")))

An engine that can, draws only replies of the form. Whatever it claims, each reply is looked at again here. What a form
asks for is in the key of a call as it is sent: equal forms are equal calls on every machine.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend

from manifests import canonical
from manifests.errors import BadRecipe

SHOWN = 80  # characters of what is wrong


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some texts, and nothing else."""

    of: tuple[str, ...]  # in any order, which bears on nothing

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", tuple(sorted(set(self.of))))
        if not all(text.strip() == text and text for text in self.of) or not self.of:
            raise BadRecipe(f"Choice: {self.of} holds nothing, or blanks at an end; expected the texts to choose from")

    def fault(self, text: str) -> str | None:
        """Say what is wrong with a reply; None: nothing is. Blanks around it are no fault."""
        return None if text.strip() in self.of else f"{text.strip()[:SHOWN]!r} is none of the {len(self.of)}"


@dataclass(frozen=True, slots=True)
class Regex:
    """A text that fits a pattern from end to end. The patterns are RE2's, whose time is linear in any text."""

    pattern: str

    def __post_init__(self) -> None:
        _fits(self.pattern, "")

    def fault(self, text: str) -> str | None:
        """Say what is wrong with a reply; None: nothing is."""
        return None if _fits(self.pattern, text) else f"{text[:SHOWN]!r} does not fit {self.pattern!r}"


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """JSON after a schema (draft 2020-12). Engines write properties in the order of the schema, so that order counts.

    `schema` is given as a mapping or as JSON, and kept as JSON in one form.
    """

    schema: str | Mapping[str, Any]

    def __post_init__(self) -> None:
        try:
            given = json.loads(self.schema) if isinstance(self.schema, str) else self.schema
            canonical.encode(given)
            Draft202012Validator.check_schema(given)
        except (ValueError, SchemaError) as error:
            raise BadRecipe(f"JsonSchema: {str(error).splitlines()[0]}; expected a schema of draft 2020-12") from error
        for name, value in _members(given):
            if name == "patternProperties" or (name in {"$ref", "$dynamicRef"} and not str(value).startswith("#")):
                raise BadRecipe(
                    f"JsonSchema: {name} {value!r:.{SHOWN}} is not checked here; write out what it stands for"
                )
        object.__setattr__(self, "schema", json.dumps(_ordered(given), ensure_ascii=False, separators=(",", ":")))

    @property
    def text(self) -> str:
        """The schema as JSON."""
        return str(self.schema)

    def fault(self, text: str) -> str | None:
        """Say what is wrong with a reply; None: nothing is."""
        try:
            _validator(self.text).validate(json.loads(text, parse_constant=_no_number))
        except ValidationError as error:
            return f"{error.json_path}: {error.message[:SHOWN]}"
        except (ValueError, RecursionError) as error:
            return f"no JSON: {str(error)[:SHOWN]}"
        return None


Form: TypeAlias = Choice | Regex | JsonSchema


def _fits(pattern: str, text: str) -> bool:
    try:
        found = pc.match_substring_regex(pa.array([text], pa.string()), rf"\A(?:{pattern})\z")
    except pa.ArrowInvalid as error:
        raise BadRecipe(f"Regex: {pattern!r} is no pattern of RE2: {str(error)[:SHOWN]}") from error
    return bool(found[0].as_py())


def _ordered(value: Any, keep: bool = False) -> Any:
    """Return a schema with its keywords sorted and its properties as they stand; 1.0 is written as 1."""
    if isinstance(value, Mapping):
        names = list(value) if keep else sorted(value)
        return {name: _ordered(value[name], keep=name == "properties" and not keep) for name in names}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _members(item)


def _no_number(word: str) -> None:
    message = f"{word} is no number"
    raise ValueError(message)


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Hold a text against `pattern` with RE2: those of Python can take for ever on a hostile text."""
    if isinstance(instance, str) and not _fits(f"(?s:.*)(?:{pattern})(?s:.*)", instance):
        yield ValidationError(f"{instance[:SHOWN]!r} does not fit {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return _Validator(json.loads(schema))
