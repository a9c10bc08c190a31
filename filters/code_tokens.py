"""What the tokens of a Python file tell: how much of it is comments, and whether its texts are in languages we read.

Both are SwallowCode's (rioyokotalab/swallow-code-math: src/code/pretrain_dataset/filtering.py).

code_text/other_script      a comment or a string has letters beside ASCII, kana, CJK and full-width forms
"""

import io
import re
import token
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_most

# ASCII that can be printed and white space; Japanese and full-width punctuation, kana, CJK, full and half-width forms.
_READ = re.compile(r"[\t-\r\x20-\x7E\u3000-\u30FF\u3400-\u4DBF\u4E00-\u9FFF\uFF01-\uFF9F\uFFE0-\uFFE6]*")
_SAID = {tokenize.COMMENT, token.STRING} | {
    getattr(token, name) for name in ("FSTRING_MIDDLE",) if hasattr(token, name)
}


def comment_share(text: str) -> float:
    """Return the share of COMMENT among all tokens of a Python file, those of layout counted; 0 where it has none."""
    kinds = [each.type for each in tokens(text)]
    return kinds.count(tokenize.COMMENT) / len(kinds) if kinds and kinds[-1] == token.ENDMARKER else 0.0


def penalised(score: float, share: float) -> float:
    """Return a lint score of 0 to 10 less its share of comments: what is nothing but comments is worth nothing."""
    return score * (1.0 - share)


def tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens of a Python file, up to the first error."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):  # an IndentationError is a SyntaxError
        return


def unread(text: str) -> int:
    """Return how many comments and strings hold a character that is neither ASCII nor written in Japanese."""
    if text.isascii():
        return 0
    return sum([each.type in _SAID and not _READ.fullmatch(each.string) for each in tokens(text)])


@dataclass(frozen=True, slots=True)
class CodeScripts(Rules):
    """Keep Python files whose comments and strings are in ASCII or Japanese. For PythonSyntax to come first."""

    max_unread: float | None = 0.0  # comments and strings

    def rules(self) -> tuple[Rule, ...]:
        return at_most("code_text/other_script", "unread", self.max_unread)

    def measure(self, doc: Document) -> Values:
        return {"unread": float(unread(doc.text))}
