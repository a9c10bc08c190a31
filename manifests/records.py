"""Small JSON records that no digest names: refs, actions, runs, takedowns. Each carries a digest inside instead."""

import json
from collections.abc import Mapping
from typing import Any

from manifests import canonical
from manifests.errors import Damaged


def seal(record: Mapping[str, Any]) -> bytes:
    """Return a record as JSON that carries the digest of all the rest, so that a flipped bit is seen."""
    body = json.loads(json.dumps({name: value for name, value in record.items() if name != "digest"}))
    return json.dumps(body | {"digest": _digest(body)}, indent=1, ensure_ascii=False).encode()


def unseal(data: bytes, key: str) -> dict[str, Any]:
    """Return the record that `seal` wrote; `key` is its name for messages. Raises Damaged."""
    try:
        record = json.loads(data)
        found = record.pop("digest")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"{key} is no record of ours: {error!r:.80}; restore it from a copy or delete it") from error
    if found != _digest(record):
        raise Damaged(f"{key} was changed: it does not have the digest that it carries; restore it from a copy")
    body: dict[str, Any] = record
    return body


def _digest(body: Mapping[str, Any]) -> str:
    return canonical.sha256(json.dumps(body, sort_keys=True).encode())
