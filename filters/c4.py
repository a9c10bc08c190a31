"""The rules of C4 (Raffel et al. 2020, section 2.2) for English, as its code and datatrove's have them.

Lines go first, and what is left of the text, under the same id, is what the rules on the whole text look at. A line
goes for its longest word, for its end, for few words, for "javascript" or for a phrase about cookies and terms, in this
order; the values count the lines of each. "{" and "lorem ipsum" are looked for in lines that came through what stands
before them in that order: in code, few do. Refused, with the value and its threshold:

c4/lorem_ipsum       lines with that phrase
c4/curly_brackets    lines with "{"; a page about code or with TeX in it has some
c4/few_sentences     in the lines that are left
c4/bad_words         words and phrases of a list; none comes with koba
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from filters import sentences
from filters.word_list import WordList, remembered
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Rule, Stage, Values, at_least, at_most, judge
from manifests.store import Store

END_MARKS = (".", "?", "!", '"', "'")
ELLIPSIS = "..."
LOREM_IPSUM = "lorem ipsum"
_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")


@dataclass(frozen=True, slots=True)
class C4Quality(Stage):
    """Drop the lines that are no prose, then the texts of which too little is left. None turns a rule off.

    FineWeb has it without the rule on the ends of lines: `C4Quality(end_marks=())`.
    """

    end_marks: tuple[str, ...] = END_MARKS  # a line ends in one of these, and not in "..."; empty: off
    min_line_words: int | None = 3  # what stands between spaces
    max_word_chars: int | None = 1_000  # of the longest word of a line
    line_phrases: tuple[str, ...] = (  # a line with one of these goes, whatever its case
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    )
    drop_javascript_lines: bool = True  # for the warning that scripts are off
    remove_citations: bool = True  # "[1]", "[edit]" and "[citation needed]", as Wikipedia has them
    max_lorem_ipsum: int | None = 0  # lines
    max_curly_brackets: int | None = 0  # lines
    min_sentences: int | None = 5

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("c4/lorem_ipsum", "c4/lorem_ipsum", self.max_lorem_ipsum),
            *at_most("c4/curly_brackets", "c4/curly_brackets", self.max_curly_brackets),
            *at_least("c4/few_sentences", "c4/sentences", self.min_sentences),
        )

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        for doc in rows:
            lines = _Lines(self, doc.text)
            text = "\n".join(lines.kept).strip()
            outcome = judge(doc, lines.values(), rules)
            if isinstance(outcome, Kept) and text != doc.text:
                outcome = Kept(doc.replace(text=text), outcome.values)
            yield outcome


class _Lines:
    """The lines of one text: those that stay, and how many went why."""

    def __init__(self, how: C4Quality, text: str) -> None:
        self.how = how
        self.kept: list[str] = []
        self.went = Counter[str]()
        self.found = Counter[str]()
        lower = text.lower()
        self.phrases = [phrase for phrase in how.line_phrases if phrase in lower]  # most texts have none
        self.javascript = how.drop_javascript_lines and "javascript" in lower
        self.lorem_ipsum = how.max_lorem_ipsum is not None and LOREM_IPSUM in lower
        self.lines = text.splitlines()
        for line in self.lines:
            self._look(line.strip())

    def values(self) -> Values:
        """Return what the rules hold against their thresholds, and why lines went."""
        counted = {
            f"c4/lines_{why}": float(self.went[why]) for why in ("long_word", "end", "words", "policy", "script")
        }
        return counted | {
            "c4/lines": float(len(self.lines)),
            "c4/lorem_ipsum": float(self.found["lorem_ipsum"]),
            "c4/curly_brackets": float(self.found["curly_brackets"]),
            "c4/sentences": float(sum(map(sentences.count, self.kept))),
        }

    def _look(self, line: str) -> None:
        words = line.split()
        clean = _CITATION.sub("", line) if self.how.remove_citations and "[" in line else line
        why = self._why(clean, words)
        if why:
            self.went[why] += 1
        else:
            self.kept.append(clean)

    def _why(self, line: str, words: list[str]) -> str:
        """Return why a line goes, or nothing."""
        how = self.how
        longest = how.max_word_chars
        if longest is not None and len(line) > longest and max(map(len, words), default=0) > longest:
            return "long_word"
        if how.end_marks and (not line.endswith(how.end_marks) or line.endswith(ELLIPSIS)):
            return "end"
        if how.min_line_words is not None and len(words) < how.min_line_words:
            return "words"
        lower = line.lower() if self.phrases or self.javascript or self.lorem_ipsum else ""
        self.found["lorem_ipsum"] += self.lorem_ipsum and LOREM_IPSUM in lower
        if self.javascript and "javascript" in lower:
            return "script"
        self.found["curly_brackets"] += how.max_curly_brackets is not None and "{" in line
        return "policy" if any(phrase in lower for phrase in self.phrases) else ""


@dataclass(frozen=True, slots=True)
class C4BadWords(Stage):
    """Keep the texts without a word of a list, as C4 does in English and mC4 in other languages.

        C4BadWords(WordList("lists/en.txt"))

    A word stands between signs or blanks; in a language that writes no blanks, anywhere.
    """

    words: WordList  # one word or phrase a line
    max_words: int = 0  # how often they may occur
    unspaced: tuple[str, ...] = ("ja", "th", "zh")  # languages without blanks between words, ISO 639-1

    def rules(self) -> tuple[Rule, ...]:
        return at_most("c4/bad_words", "c4/bad_words", self.max_words)

    def resolve(self, store: Store) -> "C4BadWords":
        return replace(self, words=self.words.resolve(store))

    def within(self, store: Store) -> "C4BadWords":
        return replace(self, words=self.words.within(store))

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        spaced, unspaced = _patterns(self.words)
        rules = self.rules()
        for doc in rows:
            pattern = unspaced if doc.language in self.unspaced else spaced
            yield judge(doc, {"c4/bad_words": float(len(pattern.findall(doc.text.lower())))}, rules)


@remembered
def _patterns(words: WordList) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds a word between signs or blanks, and what finds it anywhere; of several, the longest."""
    longest_first = sorted({word.lower() for word in words.entries()}, key=lambda word: (-len(word), word))
    either = "|".join(map(re.escape, longest_first)) or r"(?!)"
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)"), re.compile(either)
