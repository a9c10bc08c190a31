"""What a reply says without what the model says about it, and how it stands to the text that it was made from."""

import re
import unicodedata
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
_EMPHASIS = re.compile(
    r"(\*\*|(?<![\w*])\*)(?=[^\s*])([^*\n]{0,300}[^\s*])\1(?![\w*])"
    r"|(?<!\w)(__|_)(?=[^\s_])([^*_\n ]{1,100}(?: [^*_\n ]{1,100}){1,50})\3(?!\w)"  # not __init__
)
_QUOTES = ('""', "“”", "「」", "『』")
_ITEM = re.compile(r"[ \t]{0,8}([-*+•・]|\d{1,2}[.)])(?:[ \t　]+|(?<=[•・]))")
_TURN = re.compile(r"[ \t*]{0,8}([ABＡＢ])[ \t*]*[:：][ \t　*]*")
COMPARED = 50  # pieces
_NUMBER = re.compile(r"\d\d*(?:[.,]\d+)*")  # with `\d+` it takes twice the time to find where one begins
_ASCII_NUMBER = re.compile(r"[0-9][0-9]*(?:[.,][0-9]+)*")  # a third of that


def said(reply: str) -> str:
    """Return a reply without a preamble ("Here is the translation:") and without a fence around all of it."""
    text = _PREAMBLE.sub("", reply.strip(), count=1).strip()
    fenced = _FENCED.match(text)
    return fenced[1].strip() if fenced else text


def behind(prefix: str, text: str) -> str | None:
    """Return what stands behind a prefix, or None where the text begins otherwise; letter case and width do not count.

    >>> behind("書き直した文章：", "書き直した文章: 蜂は踊る。")
    '蜂は踊る。'
    """
    begins = unicodedata.normalize("NFKC", text[: len(prefix)]).casefold()
    same = begins == unicodedata.normalize("NFKC", prefix).casefold()
    return text[len(prefix) :].strip() if same else None


def items(text: str) -> list[str]:
    """Return the items of a list without their marks, each on one line; what leads to the list is none.

    >>> items("Notes:\\n- Bees dance\\n  at noon.\\n2. They see blue.")
    ['Bees dance at noon.', 'They see blue.']
    """
    return [what for _, what in _led(_ITEM, text)]


def turns(text: str) -> list[tuple[str, str]]:
    """Return who says what in a conversation of A and B, each turn on one line; what leads to it is no turn.

    >>> turns("**A:** Why?\\nＢ：So.")
    [('A', 'Why?'), ('B', 'So.')]
    """
    return [(unicodedata.normalize("NFKC", name), what) for name, what in _led(_TURN, text)]


def _led(lead: re.Pattern[str], text: str) -> list[tuple[str, str]]:
    """Return what leads each piece of a text, and the piece: from one lead to the next."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        begins = lead.match(line)
        if begins:
            found.append((begins[1], [line[begins.end() :]]))
        elif found:
            found[-1][1].append(line)
    joined = [(name, " ".join(" ".join(lines).split())) for name, lines in found]
    return [(name, what) for name, what in joined if what]


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
    wanted = numbers(source)
    return len(wanted & numbers(text)) / len(wanted) if wanted else 1.0


@lru_cache(maxsize=64)  # all candidates are compared with one source
def numbers(text: str) -> frozenset[str]:
    """Return the numbers in a text, as written but for full-width digits and the commas between thousands."""
    pattern, folded = (_ASCII_NUMBER, text) if text.isascii() else (_NUMBER, unicodedata.normalize("NFKC", text))
    return frozenset([number.replace(",", "") for number in pattern.findall(folded)])


def plain(text: str) -> str:
    """Return a text without emphasis of Markdown, and without quotation marks around all of it.

    >>> plain("**Bees** dance, *not* 2 * 3 * 4.")
    'Bees dance, not 2 * 3 * 4.'
    """
    text = _EMPHASIS.sub(lambda found: found[2] or found[4], text).strip()
    inner = text[1:-1]
    quoted = len(text) > 1 and text[0] + text[-1] in _QUOTES and not set(text[0] + text[-1]) & set(inner)
    return inner.strip() if quoted else text
