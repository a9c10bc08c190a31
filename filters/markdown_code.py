"""What is code in Markdown: the lines of its fences, and the spans between backticks."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"[ >]*(?:(?:[-*+]|\d+[.)]) +)*(`{3,})")
_SPAN = re.compile(r"(?<!`)(`{1,3})(?!`)[^\n]{1,300}?(?<!`)\1(?!`)")  # bounded: many lone backticks must not take long


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line of Markdown, and whether it stands in a fence. The fences' own lines do not."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence and mark and mark[1].startswith(fence) and line.rstrip().endswith(mark[1]):
            fence = ""
            yield line, False
        else:
            yield line, bool(fence)
            if not fence and mark:
                fence = mark[1]


def blanked(text: str) -> str:
    """Return Markdown with blanks in the place of its code; all other characters keep their places."""
    shown = "\n".join([" " * len(line) if is_code else line for line, is_code in lines(text)])
    return _SPAN.sub(lambda span: " " * len(span[0]), shown)


def code_in(text: str) -> str:
    """Return the code of Markdown: the lines in fences, then what stands between backticks elsewhere."""
    fenced = "\n".join([line for line, is_code in lines(text) if is_code])
    prose = "\n".join([line for line, is_code in lines(text) if not is_code])
    return "\n".join([part for part in (fenced, *(span[0].strip("`") for span in _SPAN.finditer(prose))) if part])
