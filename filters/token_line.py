"""A text as fastText reads it: one line of tokens with blanks between them, spelled one way.

Training and prediction both call `line_of`, and `SPELLING` stands in every classifier's configuration: a model never
reads texts that are spelled otherwise than those it learned from.

    >>> token_line("Café: ＡＢＣ_1")
    'café :  abc _ 1'
    >>> token_line("光合成とは").split()
    ['光', '合', '成', 'と', 'は']
    >>> code_line("Type `f(x)` now.", 100)
    '`f `( `x `)'
"""

import re
import unicodedata
from typing import Literal, TypeAlias

import numpy as np

from filters.markdown_code import code_in

Reads: TypeAlias = Literal["text", "code"]
SPELLING = 1  # raised by hand when a text is spelled otherwise
SEARCHED = 200_000  # characters in which code is looked for

_SIGNS = [(sign, f" {sign} ") for sign in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"]
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")  # kana and kanji, without blanks
_IS_UNSPACED = np.zeros(1 << 16, np.bool_)  # the same by number
for _start, _end in ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF)):
    _IS_UNSPACED[_start : _end + 1] = True
_MOSTLY_NARROW = 1.2  # bytes in UTF-8 a character: below it, a look for kana and kanji is not worth its time


def line_of(text: str, reads: Reads, max_chars: int) -> bytes:
    """Return what a classifier reads of a text: of its first characters the tokens, with a line end.

    "code": of Markdown with code that of its code, each token marked; of Markdown without any as "text".
    """
    line = code_line(text, max_chars) if reads == "code" and "`" in text else ""
    return (line or token_line(text[:max_chars])).encode("utf-8", "replace") + b"\n"


def token_line(text: str) -> str:
    """Return a text in lower case and NFKC, with signs and the letters of Japanese apart from each other, in one line.

    No crawled text can pass for a label or for the end of a line: "__label__3" and "</s>" come apart at their signs.
    """
    line = unicodedata.normalize("NFKC", text).lower().replace("\n", " ")
    for sign, spaced in _SIGNS:
        if sign in line:
            line = line.replace(sign, spaced)
    if not line.isascii() and len(line.encode("utf-8", "replace")) > _MOSTLY_NARROW * len(line):
        line = apart(line)
    return line


def apart(line: str) -> str:
    """Return a line with blanks around kana and kanji; by numbers, which takes a third of the time of `apart_ref`."""
    letters = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), "<u4")
    alone = np.append(_IS_UNSPACED[np.minimum(letters, 0xFFFF)], False)  # no such letter has number 0xFFFF
    spaced = np.full((len(letters), 2), ord(" "), "<u4")
    spaced[:, 0] = letters
    kept = np.ones((len(letters), 2), np.bool_)
    kept[:, 1] = alone[:-1] | alone[1:]
    return spaced[kept].tobytes().decode("utf-32-le", "surrogatepass")


def apart_ref(line: str) -> str:
    """Return the same tokens, by what is plainly meant."""
    return _UNSPACED.sub(lambda run: f" {' '.join(run[0])} ", line)


def code_line(text: str, max_chars: int) -> str:
    """Return the tokens of the code in Markdown, each behind a backtick, as prose never has them; "" for no code."""
    return " ".join([f"`{token}" for token in token_line(code_in(text[:SEARCHED])[:max_chars]).split()])
