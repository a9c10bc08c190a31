"""JSON schemas (draft 2020-12): written in one form, and a text held against one in bounded time."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend

from generators.patterns import fits
from manifests import canonical
from manifests.errors import BadRecipe

SHOWN = 80  # characters of what is wrong


def in_one_form(schema: str | Mapping[str, Any]) -> str:
    """Return a schema as JSON: keywords sorted, properties in their order, 1.0 as 1. Raises BadRecipe.

    Engines write properties in the order of the schema, so that it is part of what is asked for.
    """
    try:
        given = json.loads(schema) if isinstance(schema, str) else schema
        canonical.encode(given)
        Draft202012Validator.check_schema(given)
    except (ValueError, SchemaError) as error:
        raise BadRecipe(f"JsonSchema: {str(error).splitlines()[0]}; expected a schema of draft 2020-12") from error
    for name, value in _members(given):
        if name == "patternProperties" or (name in {"$ref", "$dynamicRef"} and not str(value).startswith("#")):
            raise BadRecipe(f"JsonSchema: {name} {value!r:.{SHOWN}} is not checked here; write out what it stands for")
    return json.dumps(_ordered(given), ensure_ascii=False, separators=(",", ":"))


def fault(schema: str, text: str) -> str | None:
    """Say what is wrong with a text that should be JSON after a schema; None: nothing is."""
    try:
        _validator(schema).validate(json.loads(text, parse_constant=_no_number))
    except ValidationError as error:
        return f"{error.json_path}: {error.message[:SHOWN]}"
    except (ValueError, RecursionError) as error:
        return f"no JSON: {str(error)[:SHOWN]}"
    return None


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
    if isinstance(instance, str) and not fits(f"(?s:.*)(?:{pattern})(?s:.*)", instance):
        yield ValidationError(f"{instance[:SHOWN]!r} does not fit {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return _Validator(json.loads(schema))
