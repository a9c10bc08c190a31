"""The rules that FineWeb added to those of Gopher and C4 (Penedo et al. 2024, section 3.6), as datatrove has them.

Blank lines are no lines. Refused, with the value and its threshold:

fineweb/no_lines               there is no text
fineweb/few_ended_lines        share of lines that end in a mark such as "." or "?"
fineweb/many_short_lines       share of lines of few characters
fineweb/duplicate_line_chars   share of characters in lines that were there before
fineweb/list                   line ends for each word: a list has many
"""

from dataclasses import dataclass

from filters.measures import prefixed, share
from filters.repetition import duplicates
from filters.words import words
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most

# Code points that end a sentence (the property Sentence_Terminal of Unicode 14, and three Khmer signs), in hexadecimal.
_END_MARKS = """
    21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6
    17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049
    2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB
    FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143
    111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642
    1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5
    16B37-16B38 16B44 16E98 1BC9F 1DA88
"""


def _code_points(ranges: str) -> tuple[str, ...]:
    ends = [part.partition("-") for part in ranges.split()]
    return tuple(chr(code) for first, _, last in ends for code in range(int(first, 16), int(last or first, 16) + 1))


END_MARKS = _code_points(_END_MARKS)


@dataclass(frozen=True, slots=True)
class FineWebQuality(Rules):
    """Keep what is made of sentences and does not repeat its lines. None turns a rule off."""

    min_ended_lines: float | None = 0.12  # share of the lines
    end_marks: tuple[str, ...] = END_MARKS
    max_short_lines: float | None = 0.67  # share of the lines
    short_chars: int = 30  # a line of so many characters is short yet
    max_duplicate_line_chars: float | None = 0.01  # share of the characters
    max_line_ends: float | None = 0.3  # for each word or punctuation mark

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_least("fineweb/no_lines", "fineweb/lines", 1),
            *at_least("fineweb/few_ended_lines", "fineweb/ended_lines", self.min_ended_lines),
            *at_most("fineweb/many_short_lines", "fineweb/short_lines", self.max_short_lines),
            *at_most("fineweb/duplicate_line_chars", "fineweb/duplicate_line_chars", self.max_duplicate_line_chars),
            *at_most("fineweb/list", "fineweb/line_ends", self.max_line_ends),
        )

    def measure(self, doc: Document) -> Values:
        found = line_measures(doc.text, len(words(doc.text)), self.end_marks, self.short_chars)
        return prefixed("fineweb", found)


def line_measures(text: str, tokens: int, end_marks: tuple[str, ...], short_chars: int) -> dict[str, float | None]:
    """Return what the rules on lines are about, given how many words and signs a text has."""
    lines = [line for line in text.split("\n") if line.strip()]
    line_ends = text.count("\n")
    return {
        "lines": float(len(lines)),
        "ended_lines": share(sum(line.endswith(end_marks) for line in lines), len(lines)),
        "short_lines": share(sum(len(line) <= short_chars for line in lines), len(lines)),
        "duplicate_line_chars": share(duplicates(lines)[1], len(text) - line_ends),
        "line_ends": share(line_ends, tokens),
    }
