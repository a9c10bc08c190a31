"""Header fields as WARC and HTTP write them: `Name: value` lines, folded lines, any charset."""

import re

_FOLD = re.compile(r"\n[ \t]+")


def fields(head: bytes) -> list[tuple[str, str]]:
    """Return names (in lower case) and values, in order. Lines without a colon say nothing and are passed over."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    text = text.replace("\r\n", "\n")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    found: list[tuple[str, str]] = []
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.append((name.strip().lower(), value.strip()))
    return found


def head_end(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return where the head that begins at `start` ends and where what follows begins; None where no blank line is."""
    crlf = data.find(b"\r\n\r\n", start, end)
    lf = data.find(b"\n\n", start, crlf if crlf >= 0 else end)
    if lf >= 0:
        return lf, lf + 2
    return (crlf, crlf + 4) if crlf >= 0 else None
