"""The one form in which koba writes what it hashes: RFC 8785 JSON, and SHA-256 over it.

    >>> encode({"b": 1.0, "a": "é"})
    b'{"a":"\\xc3\\xa9","b":1}'

A value without a stable form is refused, never guessed.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from manifests.errors import BadRecipe

MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: beyond it, doubles lose digits


def encode(value: Any) -> bytes:
    """Return the canonical JSON of `value` (RFC 8785), as UTF-8.

    Takes None, bool, int (up to 2**53 - 1), finite float, str, bytes (as hex), tuples and lists, mappings with
    string keys, dataclasses (their name and fields) and objects with a `describe()` method.
    Raises BadRecipe on anything else.
    """
    parts: list[str] = []
    _write(value, parts)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise BadRecipe(f"a lone surrogate has no canonical form: {error}") from error


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, in hex."""
    return sha256(encode(value))


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def digest_parts(*parts: bytes) -> bytes:
    """Return the SHA-256 over length-prefixed parts: no two different tuples of parts share their input."""
    return hashlib.sha256(join_parts(*parts)).digest()


def join_parts(*parts: bytes) -> bytes:
    """Return length-prefixed parts as one: what `digest_parts` hashes."""
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])


def _write(value: Any, parts: list[str]) -> None:
    scalar = _SCALARS.get(type(value))
    if scalar is not None:
        parts.append(scalar(value))
    elif isinstance(value, tuple | list):
        _write_list(value, parts)
    elif isinstance(value, Mapping):
        _write_mapping(value, parts)
    elif callable(getattr(value, "describe", None)) and not isinstance(value, type):
        _write(value.describe(), parts)
    elif is_dataclass(value) and not isinstance(value, type):
        _write({"type": type(value).__name__, "fields": field_values(value)}, parts)
    else:
        raise BadRecipe(
            f"{type(value).__qualname__} has no canonical form: {value!r:.80}; "
            "use None, bool, int, float, str, bytes, tuples, string-keyed dicts or dataclasses of these"
        )


def field_values(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, unconverted."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _write_list(value: tuple[Any, ...] | list[Any], parts: list[str]) -> None:
    parts.append("[")
    for position, item in enumerate(value):
        if position:
            parts.append(",")
        _write(item, parts)
    parts.append("]")


def _write_mapping(value: Mapping[Any, Any], parts: list[str]) -> None:
    for key in value:
        if type(key) is not str:
            raise BadRecipe(f"a key of type {type(key).__qualname__} has no canonical form: {key!r:.80}")
    parts.append("{")
    # RFC 8785 sorts by UTF-16 code units, which differs from code points above U+FFFF.
    for position, key in enumerate(sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))):
        if position:
            parts.append(",")
        parts.append(_string(key))
        parts.append(":")
        _write(value[key], parts)
    parts.append("}")


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _integer(value: int) -> str:
    if abs(value) > MAX_SAFE_INTEGER:
        raise BadRecipe(f"{value} has no canonical form: integers go up to 2**53 - 1; use a string")
    return str(value)


def _number(value: float) -> str:
    """Write a float as ECMAScript does (RFC 8785 section 3.2.2.3): shortest digits, exponents outside 1e-7..1e21."""
    if not math.isfinite(value):
        raise BadRecipe(f"{value} has no canonical form: only finite numbers have")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)  # the decimal point stands after this many digits of whole + fraction
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"


_SCALARS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    str: _string,
    int: _integer,
    float: _number,
    bytes: lambda value: f'"{value.hex()}"',
}
