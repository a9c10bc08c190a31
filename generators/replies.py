"""What a reply says without what the model says about it, and how it stands to the text that it was made from."""

import re
from functools import lru_cache

_PREAMBLE = re.compile(
    r"\A\s*(?:"
    r"(?:(?:sure|certainly|of course|okay|ok)\b[,.!]?\s*)?"
    r"(?:here(?:'s|’s| is| are)|below is|this is)\b[^\n]{0,120}:[ \t]*(?:\n+|\Z)"
    r"|(?:sure|certainly|of course)\b[^\n]{0,60}[!:.][ \t]*\n+"
    r"|(?:はい|承知(?:しました|いたしました)|もちろんです)[^\n]{0,60}[。、!！:：]?[ \t　]*\n+"
    r"|以下[はがにの][^\n]{0,40}(?:訳|書き直|書き換|言い換)[^\n]{0,40}[。:：][ \t　]*\n+"
    r"|(?:translation|rewritten text|paraphrase|翻訳|訳文|日本語訳|書き換え)[ \t]*[:：][ \t]*\n*"
    r")",
    re.IGNORECASE,
)
_FENCED = re.compile(r"\A```[a-z]*\n(.*)\n```\s*\Z", re.DOTALL)
COMPARED = 50  # pieces
_NUMBER = re.compile(r"\d\d*(?:[.,]\d+)*")  # with `\d+` it takes twice the time to find where one begins
_ASCII_NUMBER = re.compile(r"[0-9][0-9]*(?:[.,][0-9]+)*")  # a third of that


def said(reply: str) -> str:
    """Return a reply without a preamble ("Here is the translation:") and without a fence around all of it."""
    text = _PREAMBLE.sub("", reply.strip(), count=1).strip()
    fenced = _FENCED.match(text)
    return fenced[1].strip() if fenced else text


def length_ratio(text: str, source: str) -> float:
    """Return the characters of a text for each one of its source. For both measures blanks are to be single."""
    return (len(text) - text.count(" ")) / max(1, len(source) - source.count(" "))


def copied_share(text: str, source: str, n: int = 12) -> float:
    """Return the share of a text's pieces of n characters that stand in its source; of a long text, of 50 of them."""
    step = max(n, len(text) // COMPARED)
    pieces = [text[start : start + n] for start in range(0, max(1, len(text) - n + 1), step)]
    return sum([piece in source for piece in pieces]) / len(pieces) if text else 0.0


def repeated_share(text: str, n: int = 12) -> float:
    """Return the share of a text's n-grams of characters that stood in it before: a loop comes close to 1."""
    grams = [text[start : start + n] for start in range(len(text) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def numbers_kept(text: str, source: str) -> float:
    """Return the share of a source's numbers that its rewrite still has; 1 where there are none."""
    wanted = _numbers(source)
    return len(wanted & _numbers(text)) / len(wanted) if wanted else 1.0


@lru_cache(maxsize=64)  # all candidates are compared with one source
def _numbers(text: str) -> frozenset[str]:
    return frozenset((_ASCII_NUMBER if text.isascii() else _NUMBER).findall(text))
