"""White space of HTML source: one blank, or nothing where Japanese or Chinese goes on in the next line.

>>> fold("文は ここで\\n  続く。 a\\n b")
'文は ここで続く。 a b'
"""

import re

_WIDE = "\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60\uffe0-\uffe6"
# Segment break transformation of CSS Text, level 3: a line end between two wide characters is no blank.
_WIDE_LINE_END = re.compile(f"(?<=[{_WIDE}])[ \t]*[\r\n]\\s*(?=[{_WIDE}])")
_BLANKS = re.compile(r"\s+")


def fold(text: str) -> str:
    """Return the text with each run of white space as one blank."""
    return _BLANKS.sub(" ", join_wide(text))


def join_wide(text: str) -> str:
    """Return the text without the line ends that only part wide characters."""
    return _WIDE_LINE_END.sub("", text) if "\n" in text and not text.isascii() else text
