"""The prompts of a task, found among its literals."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from manifests import canonical

_WORD = re.compile(r"[A-Za-z0-9_-]*")  # "ja" or "wiki" chooses, and says nothing to a model


def prompts_of(task: object) -> dict[str, str]:
    """Return the digest of each text among a task's literals, as {"Translate.system": ...}; single words are none.

    Digests, for the texts stand in the manifest already, in its step: these are to be compared at a glance.
    """
    texts = _texts(type(task).__name__, json.loads(canonical.encode(task)))
    return {name: canonical.sha256(text.encode()) for name, text in texts if not _WORD.fullmatch(text)}


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(f"{name}.{place}", item)
    elif isinstance(value, Mapping):
        fields = value["fields"] if set(value) == {"type", "fields"} else value
        for key in fields:
            yield from _texts(f"{name}.{key}", fields[key])
