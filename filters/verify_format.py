"""Constraints on format: `detectable_format:*`, without 体言止め (see `filters.verify_endings`)."""

import json
import re
from dataclasses import dataclass
from typing import ClassVar

from filters.constraint import Constraint, Texts

ANSWERS = {
    "en": ("My answer is yes.", "My answer is no.", "My answer is maybe."),
    "ja": ("はい、そうです。", "いいえ、違います。", "どちらとも言えません。"),
}
_FENCE = re.compile(r"```(?:json)?", re.IGNORECASE)
_NUMBERED = re.compile(r"[^\S\n]*\d{1,9}\.\s")
_STARRED = re.compile(r"\*([^\n*]*)\*")
_TWICE_STARRED = re.compile(r"\*\*([^\n*]*)\*\*")
_HIGHLIGHTED = re.compile(r"《([^\n《》]*)》")


@dataclass(frozen=True, slots=True)
class NumberBulletLists(Constraint):
    """Exactly so many bullets: lines that begin with `* ` or `-`."""

    id: ClassVar[str] = "detectable_format:number_bullet_lists"
    stated: ClassVar = {
        "en": 'Use exactly {num_bullets} bullet points, each on a line that begins with "- ".',
        "ja": "「- 」で始まる箇条書きをちょうど{num_bullets}個書いてください。",
    }
    num_bullets: int

    def holds(self, reply: str) -> bool:
        return sum([_is_bullet(line.lstrip()) for line in reply.split("\n")]) == self.num_bullets

    def texts(self) -> Texts:
        return ("-",) * min(self.num_bullets, 50)


class NumberBulletListsJa(NumberBulletLists):
    """Exactly so many bullets: lines that begin with ・."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_format:number_bullet_lists"
    stated: ClassVar = {
        "en": 'Use exactly {num_bullets} bullet points, each on a line that begins with "・".',
        "ja": "「・」で始まる箇条書きをちょうど{num_bullets}個書いてください。",
    }

    def holds(self, reply: str) -> bool:
        lines = [line.lstrip() for line in reply.split("\n")]
        return sum([line.startswith("・") and line[1:2] not in {"", "・"} for line in lines]) == self.num_bullets


@dataclass(frozen=True, slots=True)
class NumberNumberedLists(Constraint):
    """Exactly so many items: lines that begin with a number, a full stop and a blank."""

    id: ClassVar[str] = "ja:detectable_format:number_numbered_lists"
    stated: ClassVar = {
        "en": 'Use exactly {num_items} numbered items, each on a line that begins like "1. ".',
        "ja": "「1. 」のように始まる番号付きの項目をちょうど{num_items}個書いてください。",
    }
    num_items: int

    def holds(self, reply: str) -> bool:
        return sum([bool(_NUMBERED.match(line)) for line in reply.splitlines(keepends=True)]) == self.num_items

    def texts(self) -> Texts:
        return ("1. ",) * min(self.num_items, 50)


@dataclass(frozen=True, slots=True)
class ConstrainedResponse(Constraint):
    """One of three answers."""

    id: ClassVar[str] = "detectable_format:constrained_response"
    stated: ClassVar = {
        "en": 'Answer with one of these: "My answer is yes.", "My answer is no.", "My answer is maybe."',
        "ja": "「My answer is yes.」「My answer is no.」「My answer is maybe.」のどれか一つで答えてください。",
    }

    def holds(self, reply: str) -> bool:
        return any(answer in reply for answer in ANSWERS[self.made_for])


class ConstrainedResponseJa(ConstrainedResponse):
    """One of three answers in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_format:constrained_response"
    stated: ClassVar = {
        "en": "Answer with one of these: 「はい、そうです。」「いいえ、違います。」「どちらとも言えません。」",
        "ja": "「はい、そうです。」「いいえ、違います。」「どちらとも言えません。」のどれか一つで答えてください。",
    }


@dataclass(frozen=True, slots=True)
class NumberHighlightedSections(Constraint):
    """At least so many passages between asterisks, single or double."""

    id: ClassVar[str] = "detectable_format:number_highlighted_sections"
    stated: ClassVar = {
        "en": "Highlight at least {num_highlights} passages with asterisks, like *this one*.",
        "ja": "少なくとも{num_highlights}か所を *このように* アスタリスクで囲んで強調してください。",
    }
    num_highlights: int

    def holds(self, reply: str) -> bool:
        if "*" not in reply:
            return False
        once = sum([bool(said.strip()) for said in _STARRED.findall(reply)])
        return once + sum([bool(said.strip()) for said in _TWICE_STARRED.findall(reply)]) >= self.num_highlights

    def texts(self) -> Texts:
        return ("**",) * min(self.num_highlights, 50)


class NumberHighlightedSectionsJa(NumberHighlightedSections):
    """At least so many passages between 《 and 》."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_format:number_highlighted_sections"
    stated: ClassVar = {
        "en": "Highlight at least {num_highlights} passages, like 《this one》.",
        "ja": "少なくとも{num_highlights}か所を《このように》二重の山括弧で囲んで強調してください。",
    }

    def holds(self, reply: str) -> bool:
        return sum([bool(said.strip()) for said in _HIGHLIGHTED.findall(reply)]) >= self.num_highlights

    def texts(self) -> Texts:
        return ("《》",) * min(self.num_highlights, 50)


@dataclass(frozen=True, slots=True)
class MultipleSections(Constraint):
    """At least so many sections, each behind its name and number."""

    id: ClassVar[str] = "detectable_format:multiple_sections"
    stated: ClassVar = {
        "en": "Write at least {num_sections} sections. Begin each of them with its name and number, as in "
        '"{section_spliter} 1".',
        "ja": "少なくとも{num_sections}個の節に分け、それぞれを「{section_spliter} 1」のように始めてください。",
    }
    section_spliter: str
    num_sections: int

    def holds(self, reply: str) -> bool:
        after = [part[:2] for part in reply.split(self.section_spliter.strip())[1:]]
        heads = [part[:1].isdecimal() or (part[:1].isspace() and part[1:].isdecimal()) for part in after]
        return sum(heads) >= self.num_sections

    def texts(self) -> Texts:
        return (f"{self.section_spliter} 1",) * min(self.num_sections, 50)


class MultipleSectionsJa(MultipleSections):
    """At least so many sections, each behind 第1章 and the like, in digits."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_format:multiple_sections"
    stated: ClassVar = {
        "en": "Write at least {num_sections} sections. Begin each of them with its number, as in 第1{section_spliter}.",
        "ja": "少なくとも{num_sections}個に分け、それぞれを「第1{section_spliter}」のように始めてください。",
    }

    def holds(self, reply: str) -> bool:
        before = reply.split(self.section_spliter.strip())[:-1]
        return sum([_ends_with_number(part) for part in before]) >= self.num_sections

    def texts(self) -> Texts:
        return (f"第1{self.section_spliter}",) * min(self.num_sections, 50)


@dataclass(frozen=True, slots=True)
class JsonFormat(Constraint):
    """The whole reply is JSON, in a code block or not."""

    id: ClassVar[str] = "detectable_format:json_format"
    stated: ClassVar = {
        "en": "Write your whole reply in JSON; you may put it into a code block.",
        "ja": "答え全体をJSON形式で書いてください。コードブロックに入れてもかまいません。",
    }

    def holds(self, reply: str) -> bool:
        text = reply.strip()
        fence = _FENCE.match(text)
        text = text[fence.end() :].removesuffix("```") if fence else text
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True


class JsonFormatJa(JsonFormat):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_format:json_format"


@dataclass(frozen=True, slots=True)
class HasTitle(Constraint):
    """A title between << and >>, in one line."""

    id: ClassVar[str] = "detectable_format:title"
    stated: ClassVar = {
        "en": "Give your reply a title between double angle brackets, like <<a title>>.",
        "ja": "答えに題名を付け、<<題名>> のように二重の山括弧で囲んでください。",
    }
    marks: ClassVar[tuple[str, str]] = ("<<", ">>")

    def holds(self, reply: str) -> bool:
        return self.marks[0] in reply and any(self._is_titled(line) for line in reply.split("\n"))

    def _is_titled(self, line: str) -> bool:
        opening, closing = self.marks
        begin, end = line.find(opening), line.rfind(closing)
        said = line[begin + len(opening) : end] if 0 <= begin < end else ""
        return bool(said.lstrip(opening[0]).rstrip(closing[0]).strip())

    def texts(self) -> Texts:
        return ("".join(self.marks),)


class HasTitleJa(HasTitle):
    """A title between 『 and 』, in one line."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_format:title"
    stated: ClassVar = {
        "en": "Give your reply a title between double corner brackets, like 『a title』.",
        "ja": "答えに題名を付け、『題名』のように二重鉤括弧で囲んでください。",
    }
    marks: ClassVar[tuple[str, str]] = ("『", "』")


def _is_bullet(line: str) -> bool:
    return line.startswith("-") or (line.startswith("*") and line[1:2] not in {"", "*"})


def _ends_with_number(part: str) -> bool:
    digits = len(part) - len(part.rstrip("0123456789０１２３４５６７８９"))
    return digits > 0 and part[: len(part) - digits].endswith("第")
