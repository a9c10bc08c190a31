"""A reply of a form, made without a model: for previews and tests of tasks that ask for one."""

import json
from collections.abc import Mapping
from typing import Any

from generators.forms import Choice, Form, JsonSchema

DEEPEST = 8  # of a schema that names itself


def example(form: Form, number: int) -> str | None:
    """Return a reply of a form, another one for another number where that is easy; None for a pattern."""
    if isinstance(form, Choice):
        return form.of[number % len(form.of)]
    if isinstance(form, JsonSchema):
        root = json.loads(form.text)
        return json.dumps(_value(root, root, number, DEEPEST), ensure_ascii=False)
    return None


def _value(schema: Any, root: Mapping[str, Any], number: int, deep: int) -> Any:
    if not isinstance(schema, Mapping) or not deep:
        return None
    if "$ref" in schema:
        return _value(_named(schema["$ref"], root), root, number, deep - 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return _value(schema[name][0], root, number, deep - 1)
    if "const" in schema or "enum" in schema:
        given = schema.get("enum", [schema.get("const")])
        return given[number % len(given)]
    return _typed(schema, root, number, deep)


def _typed(schema: Mapping[str, Any], root: Mapping[str, Any], number: int, deep: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind if isinstance(kind, str) else kind[0]
    if kind == "object":
        found = schema.get("properties", {})
        return {name: _value(found[name], root, number, deep - 1) for name in found}
    if kind == "array":
        return [_value(schema.get("items", {}), root, number, deep - 1)] * schema.get("minItems", 1)
    if kind in {"integer", "number"}:
        least, most = schema.get("minimum", 0), schema.get("maximum")
        return least + number % (int(most - least) + 1) if most is not None else least
    if kind == "string":
        word = f"example {number % 1_000}".ljust(schema.get("minLength", 0), ".")
        return word[: schema.get("maxLength", len(word))]
    return None if kind == "null" else bool(number % 2)


def _named(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for name in reference.removeprefix("#").split("/")[1:]:
        found = found.get(name, {})
    return found
