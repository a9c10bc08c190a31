"""Text from a crawl, made safe to print: no character of it moves the cursor, changes a colour or turns a line round.

What would act instead of being seen is written as Python writes it: `\\x1b`, `\\u202e`. Joiners stay, for emoji and
Indic scripts need them, and so do the variation selectors of Japanese names.
"""

import re

from rich.cells import cell_len

_ACTS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks, embeddings, overrides, isolates
    "\u115f\u1160\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"  # seen by nobody
    "\u2028\u2029\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e00ff"  # separators, annotations, surrogates, tags
    "]"
)
_BREAKS = re.compile(r"\s*\n\s*|\t")


def safe(text: str, width: int | None = None) -> str:
    """Return `text` with all that a terminal would act on made visible.

    Without `width`, newlines and tabs stay. With `width` it becomes one line of at most so many cells (a CJK character
    takes two), and ends in "…" where it was cut; a URL or any other field of a line needs one.
    """
    if width is None:
        return _ACTS.sub(_escaped, text)
    start = text[: 8 * width + 64]  # a long text must not be gone through for one line
    line = _ACTS.sub(_escaped, _BREAKS.sub(" ", start))
    if len(start) == len(text) and cell_len(line) <= width:
        return line
    kept, cells = 0, 0
    for character in line:
        cells += cell_len(character)
        if cells > width - 1:
            break
        kept += 1
    return f"{line[:kept]}…"


def _escaped(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
