"""The sentences of a line of English, told apart and counted as by the rules of C4."""

import re
from collections.abc import Iterator
from string import ascii_lowercase

# A mark ends a sentence where spaCy's tokenizer, which datatrove counts with, takes it for a word of its own: not
# within a word, not after a single capital, not as one of several dots.
_CLOSING = r"""['"’”»)\]}>*_,;:…!?.。！？]*(?:\s|$)"""
_END = re.compile(
    rf"""[.!?。！？](?:
        (?<=[!?。！？])(?={_CLOSING})
      | (?<![.]\.)(?<=[a-z0-9%+\-²»«’'"”)\]}}>?!,;:_*&\#ß-öø-ÿ…]\.)(?![.])(?={_CLOSING})
      | (?<=[A-ZÀ-ÖØ-Þ]{{2}}\.)(?![.])(?={_CLOSING})
      | (?<!\S\.)(?![.])(?={_CLOSING})
      | (?<=[a-z'"’”]\.)(?=[A-Z'"‘“])
    )""",
    re.VERBOSE,
)
_NO_PUNCTUATION = re.compile(r"""[^\s!-#%-*,-/:;?@\[-\]_{}¡§«¶·»¿‐-‧‰-‾、-〃〈-】！-＃％-＊，-／：；？＠]""")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘—–]*$")
_BLANK = re.compile(r"\s")
_LONGEST = 12  # characters of the longest abbreviation
_ABBREVIATIONS = """
    a.m. p.m. e.g. E.g. i.e. I.e. v.s. vs. Adm. Bros. Co. co. Corp. D.C. Dr. Gen. Gov. Inc. Jr. Ltd. Messrs. Mr. Mrs.
    Ms. Ph.D. Prof. Rep. Rev. Sen. St. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. Ala. Ariz. Ark.
    Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. Ill. Ind. Kan. Kans. Ky. La. Mass. Md. Mich. Minn. Miss. Mo. Mont. N.C.
    N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. Va. Wash. Wis.
"""
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split()) | {f"{letter}." for letter in ascii_lowercase}


def count(line: str) -> int:
    """Return the number of sentences in a line; what no mark ends is one too. 1 for an empty line."""
    return 1 + len(list(_breaks(line)))


def sentences(line: str) -> list[str]:
    """Return the sentences of a line, without the blanks around them; signs that close one stay with it."""
    found, start = [], 0
    for end, following in _breaks(line):
        blank = _BLANK.search(line, end, following)
        found.append(line[start : blank.start() if blank else end].strip())
        start = blank.end() if blank else end
    found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def _breaks(line: str) -> Iterator[tuple[int, int]]:
    """Yield where a mark ends a sentence, and where the first word of the next one begins."""
    start = 0
    for mark in _END.finditer(line):
        end = mark.end()
        if mark.start() < start or _is_abbreviation(line, end):
            continue
        following = _NO_PUNCTUATION.search(line, end)
        if following is None:
            break
        start = following.end()
        yield end, following.start()


def _is_abbreviation(line: str, end: int) -> bool:
    """Tell whether the full stop before `end` belongs to its word."""
    if line[end - 1] != ".":
        return False
    last = _LAST_WORD.search(line[max(0, end - _LONGEST) : end])
    return last is not None and last.group() in ABBREVIATIONS
