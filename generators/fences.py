"""Code blocks in a reply: one parser for all that models make of fences.

    blocks("Here:\\n```python\\nx = 1\\n```\\nDone.")     # [Block("python", "x = 1", 6, 27, closed=True)]

A fence is closed by one of the same mark, at least as long, indented no deeper than three spaces more than it. Fences
inside the block stay in it: those of a docstring between triple quotes, and those that are opened with a language tag.

fences/no_code          there is no code block, or an empty one
fences/unclosed         the block is not closed: the reply broke off, or its fences cannot be told apart
fences/other_language   its tag names another programming language
fences/short            it has fewer characters than a solution can have
"""

import re
from typing import Literal, NamedTuple

from manifests.rows import Document
from manifests.stage import Rejected

_FENCE = re.compile(r"([ \t]{0,40})(`{3,}|~{3,})[ \t]*([^`\n]*)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_TAG = re.compile(r"[A-Za-z0-9+#_.-]+")
_QUOTES = re.compile(r'"""|' + r"'''")
_NAMES = {
    **dict.fromkeys(("py", "python3", "py3", "python"), "python"),
    **dict.fromkeys(("c++", "cpp", "cc", "cxx"), "cpp"),
    **dict.fromkeys(("c#", "cs", "csharp"), "csharp"),
    **dict.fromkeys(("js", "javascript", "jsx"), "javascript"),
    **dict.fromkeys(("ts", "typescript", "tsx"), "typescript"),
    **dict.fromkeys(("sh", "shell", "bash", "zsh", "console"), "bash"),
    **dict.fromkeys(("rs", "rust"), "rust"),
    **dict.fromkeys(("rb", "ruby"), "ruby"),
    **dict.fromkeys(("golang", "go"), "go"),
}


class Block(NamedTuple):
    """One code block of a reply."""

    language: str  # the tag in lower case, short forms written out; "" without one
    code: str  # without its fences and without the last line end
    start: int  # characters from the start of the reply to the block with its fences
    end: int
    closed: bool


def blocks(reply: str) -> list[Block]:
    """Return the code blocks of a reply in order; only the last one can be unclosed."""
    found: list[Block] = []
    lines = _LINE.findall(reply)
    place = number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            place += len(lines[number])
            number += 1
            continue
        tag = _TAG.match(opening[3].strip())
        last = _closing(lines, number, opening)
        inside = lines[number + 1 : last]
        end = place + sum(map(len, lines[number : last + 1]))
        code = "".join(inside).removesuffix("\n").removesuffix("\r")
        found.append(Block(language_named(tag[0]) if tag else "", code, place, end, last < len(lines)))
        place, number = end, last + 1
    return found


def language_named(tag: str) -> str:
    """Return the programming language that a tag means."""
    return _NAMES.get(tag.lower(), tag.lower())


def block_of(
    doc: Document, reply: str, language: str, *, which: Literal["first", "last"] = "first", min_chars: int = 1
) -> Block | Rejected:
    """Return the first or the last block of a reply in a language; one without a tag counts. Else a reject."""
    found = [block for block in blocks(reply) if block.code.strip() or not block.closed]
    if not found:
        return Rejected(doc, "fences/no_code")
    fitting = [block for block in found if block.language in {"", "text", "plaintext", language}]
    if not fitting:
        return Rejected(doc, "fences/other_language")
    block = fitting[0 if which == "first" else -1]
    if not block.closed:
        return Rejected(doc, "fences/unclosed")
    if len(block.code) < min_chars:
        return Rejected(doc, "fences/short", len(block.code), min_chars)
    return block


def fenced(code: str, language: str) -> str:
    """Return code as a block, in a fence that is longer than any in it."""
    longest = max([len(mark) for mark in re.findall(r"`{3,}", code)], default=2)
    fence = "`" * (longest + 1)
    end = "" if code.endswith("\n") else "\n"
    return f"{fence}{language}\n{code}{end}{fence}"


def _closing(lines: list[str], first: int, opening: re.Match[str]) -> int:
    """Return the number of the line that closes a block, or that of no line."""
    last = _closes(lines, first, opening, quotes=True)
    return last if last < len(lines) else _closes(lines, first, opening, quotes=False)


def _closes(lines: list[str], first: int, opening: re.Match[str], *, quotes: bool) -> int:
    """Look for it outside of triple quotes; where one of these is never closed, it is no quote of Python."""
    indent, mark = len(opening[1]), opening[2]
    quote = ""
    inner = 0  # blocks with a tag that were opened inside and not closed
    for number in range(first + 1, len(lines)):
        fence = None if quote else _FENCE.match(lines[number])
        if fence is None or not fence[2].startswith(mark) or len(fence[1]) > indent + 3:
            quote = _open_quote(lines[number], quote) if quotes else ""
        elif fence[3].strip():
            inner += 1
        elif inner:
            inner -= 1
        else:
            return number
    return len(lines)


def _open_quote(line: str, quote: str) -> str:
    """Return the triple quote that is open after a line."""
    for found in _QUOTES.findall(line):
        if not quote:
            quote = found
        elif quote == found:
            quote = ""
    return quote
