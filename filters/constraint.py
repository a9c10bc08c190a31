"""A constraint on the form of a reply that a program can check: one id of IFEval, or of its Japanese sister M-IFEval.

    NoComma().check("Bees dance.")              # True
    NoComma().loose("Sure, I will:\\nBees dance.")   # True: without its first line it holds
    SomeWords("bees", 2, "at least").sentence("ja")

The fields of a constraint are the parameters of its id, under the names that the benchmarks give them. A parameter of
another type or size raises BadRow. An empty reply satisfies nothing. Parameters are texts, never patterns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Literal, TypeAlias

from manifests.errors import BadRow

Relation: TypeAlias = Literal["less than", "at least", "未満", "以上"]
Texts: TypeAlias = tuple[str, ...]

MOST_CHARS = 400  # of a parameter: a longer one could make a search of a long reply slow
MOST_CHARS_REPEATED = 100_000  # of one that only begins a reply
MOST = 1_000_000  # of whatever is counted
LESS = frozenset({"less than", "未満"})
RELATIONS = {"en": ("less than", "at least"), "ja": ("未満", "以上")}  # by the language of the id
_SAID = {
    "en": {"less than": "less than", "未満": "less than", "at least": "at least", "以上": "at least"},
    "ja": {"less than": "未満", "未満": "未満", "at least": "以上", "以上": "以上"},
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """What all constraints share. Subclasses say what holds, and how it is stated."""

    id: ClassVar[str] = ""
    stated: ClassVar[Mapping[str, str]] = {}  # by language, with the parameters in braces
    longest: ClassVar[int] = MOST_CHARS

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is list:
                value = tuple(value)
                object.__setattr__(self, field.name, value)
            expected = _fault(field.type, value, self)
            if expected:
                raise BadRow(f"{self.id}: {field.name} is {value!r:.80}; expected {expected}")

    def check(self, reply: str) -> bool:
        """Tell whether a reply satisfies this, as it stands ("strict")."""
        return bool(reply) and not reply.isspace() and self.holds(reply)

    def loose(self, reply: str) -> bool:
        """Tell whether one of the 8 variants of a reply does: without first or last line, without asterisks."""
        return any(self.check(variant) for variant in variants(reply))

    def holds(self, reply: str) -> bool:
        """Tell the same of a reply that is not empty. A pure function."""
        raise NotImplementedError

    def texts(self) -> Texts:
        """Return what any satisfying reply holds, once for each time that it has to."""
        return ()

    @property
    def is_ceiling(self) -> bool:
        """Whether every part of a satisfying reply satisfies it too: it forbids, and demands nothing."""
        return any(type(value) is str and value in LESS for value in self.parameters.values())

    @property
    def made_for(self) -> str:
        """The language of the replies that it is made for, "ja" or "en"."""
        return "ja" if self.id.startswith("ja:") else "en"

    @property
    def kind(self) -> str:
        """The id without its language and its group: `no_comma`."""
        return self.id.rpartition(":")[2]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def kwargs(self) -> dict[str, Any]:
        """The parameters as the records of the benchmarks hold them."""
        return {name: list(value) if type(value) is tuple else value for name, value in self.parameters.items()}

    def words(self, language: str) -> dict[str, str]:
        """Return the parameters as a sentence names them."""
        return {name: _said(value, language) for name, value in self.parameters.items()}

    def sentence(self, language: str, template: str | None = None) -> str:
        """Return the sentence that asks for it, "en" or "ja"; `template` in the place of ours."""
        return (self.stated[language] if template is None else template).format(**self.words(language))


def stands(count: int, relation: str, threshold: int) -> bool:
    """Tell whether a count stands in a relation: less than (未満), or at least (以上)."""
    return count < threshold if relation in LESS else count >= threshold


@lru_cache(maxsize=4)  # all constraints of a reply are asked of the same variants
def variants(reply: str) -> Texts:
    """Return the variants of a reply that the loose score tries, those that are equal once."""
    lines = reply.split("\n")
    cut = (reply, *["\n".join(some).strip() for some in (lines[1:], lines[:-1], lines[1:-1])])
    return tuple(dict.fromkeys([*cut, *[text.replace("*", "") for text in cut]]))


def _fault(wanted: Any, value: Any, constraint: Constraint) -> str:
    """Return what was expected in the place of a value, or "" where it is right."""
    longest = constraint.longest
    if wanted is int:
        return "" if type(value) is int and 1 <= value <= MOST else f"a whole number from 1 to {MOST:,}"
    if wanted is str:
        right = type(value) is str and not value.isspace() and 1 <= len(value) <= longest
        return "" if right else f"a text of 1 to {longest:,} characters"
    if wanted == Texts:
        told = [one for one in value if type(one) is str and one and not one.isspace()] if type(value) is tuple else []
        right = bool(told) and len(told) == len(value) and sum(map(len, told)) <= longest
        return "" if right else f"a list of texts, of 1 to {longest:,} characters in all"
    relations = RELATIONS[constraint.made_for]
    return "" if value in relations else f"{relations[0]!r} or {relations[1]!r}"


def _said(value: Any, language: str) -> str:
    if type(value) is tuple:
        return (
            "".join([f"「{one}」" for one in value]) if language == "ja" else ", ".join([f'"{one}"' for one in value])
        )
    return _SAID[language].get(value, str(value)) if type(value) is str else str(value)
