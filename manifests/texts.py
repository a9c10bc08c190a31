"""What a row's text was on its way through a recipe, and what changed in it."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import takewhile
from typing import Any

import msgspec
import numpy as np

from manifests.history import Stay
from manifests.lookup import row_at
from manifests.manifest import Manifest

_MATCHED_LINES = 1_000  # difflib takes quadratic time


def texts(chain: Sequence[Manifest], stays: Sequence[Stay]) -> Iterator[tuple[int, int, str]]:
    """Yield (ordinal of the part, step, text after it): where the text is first known, and after each alteration.

    A row that was read and dropped or altered in one part has no text before that: it was never stored.
    """
    known: str | None = None
    for stay in stays:
        if known is None and stay.before:
            row = row_at(stay.store, chain[stay.ordinal - 1], stay.before)
            known = readable(row.payload(), row.kind)
            yield stay.ordinal, 0, known
        kinds = {part.kind for part in chain[max(0, stay.ordinal - 1) : stay.ordinal + 1]}
        kind = kinds.pop() if len(kinds) == 1 else ""
        for step, payload in sorted(stay.payloads.items()):
            known = readable(payload, kind)
            yield stay.ordinal, step, known
        if known is None and stay.row:
            known = readable(stay.row.payload(), stay.row.kind)
            yield stay.ordinal, len(stay.part.steps) - 1, known


def readable(payload: bytes, kind: str) -> str:
    """Return a payload as people read it: a text, the turns of a chat, or token ids."""
    if kind == "conversation":
        return _turns(msgspec.json.decode(payload))
    if kind == "preference":
        parts = zip(("prompt", "chosen", "rejected"), msgspec.json.decode(payload), strict=True)
        return "\n".join(f"[{name}]\n{_turns(turns)}" for name, turns in parts)
    if kind == "tokens":
        return " ".join(map(str, np.frombuffer(payload, "<u4").tolist()))
    return payload.decode(errors="replace")


def changes(before: str, after: str, context: int = 3) -> Iterator[str]:
    """Yield the lines of a unified diff, without its header. What is too long to be matched is replaced as a whole."""
    old, new = before.split("\n"), after.split("\n")
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    tail = zip(reversed(old[same:]), reversed(new[same:]), strict=False)
    end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], tail))
    if len(old) + len(new) - 2 * (same + end) > 2 * _MATCHED_LINES:
        yield f"@@ -{same + 1},{len(old) - same - end} +{same + 1},{len(new) - same - end} @@"
        yield from (f"-{line}" for line in old[same : len(old) - end])
        yield from (f"+{line}" for line in new[same : len(new) - end])
        return
    # Long texts with few changes: what is far before and behind the changes need not be matched.
    skipped, kept = max(0, same - context), max(0, end - context)
    old, new = old[skipped : len(old) - kept], new[skipped : len(new) - kept]
    lines = unified_diff(old, new, lineterm="", n=context)
    for line in list(lines)[2:]:
        yield _moved(line, skipped) if line.startswith("@@") else line


def _moved(header: str, lines: int) -> str:
    """Return the header of a hunk, counted from the start of the text."""

    def moved(span: str) -> str:
        start, comma, count = span[1:].partition(",")
        return f"{span[0]}{int(start) + lines}{comma}{count}"

    _, old, new, _ = header.split(" ")
    return f"@@ {moved(old)} {moved(new)} @@"


def _turns(turns: Sequence[dict[str, Any]]) -> str:
    return "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
