"""Replies in sections under headings that were asked for: "[Problem] ... [Solution] ... [Tests] ...".

A heading stands on a line of its own, outside of code, in any marks of Markdown; or a colon and its text follow it.
"""

import re
from collections.abc import Sequence

from generators.fences import blocks

_MARKS = r"[#*_\[【\s]"
_CLOSING = r"[#*_\]】:：\s]"


def sections(reply: str, headings: Sequence[str]) -> list[str] | None:
    """Return the text under each heading, or None where one is missing, empty, or not in the order of the headings."""
    inside = [(block.start, block.end) for block in blocks(reply)]
    starts: list[tuple[int, int]] = []
    place = 0
    for heading in headings:
        found = next(
            (
                one
                for one in _heading(heading).finditer(reply, place)
                if not any(start <= one.start() < end for start, end in inside)
            ),
            None,
        )
        if found is None:
            return None
        starts.append(found.span())
        place = found.end()
    ends = [start for start, _ in starts[1:]] + [len(reply)]
    texts = [reply[start:end].strip() for (_, start), end in zip(starts, ends, strict=True)]
    return texts if all(texts) else None


def _heading(heading: str) -> re.Pattern[str]:
    name = re.escape(heading)
    marked = rf"{_MARKS}{{1,12}}{name}{_CLOSING}{{0,12}}$"
    return re.compile(
        rf"^(?:{marked}|{_MARKS}{{0,12}}{name}[*_\]】]{{0,3}}[ \t]{{0,3}}[:：])", re.IGNORECASE | re.MULTILINE
    )
