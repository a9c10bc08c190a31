"""What a reply has to look like: one of some words, a pattern, or JSON after a schema.

    Sampling(max_tokens=8, form=Choice(("yes", "no")))

An engine that can, draws only replies of the form. Whatever it claims, each reply is looked at again here. What a form
asks for is in the key of a call as it is sent: equal forms are equal calls on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from generators.patterns import fits
from manifests.errors import BadRecipe

SHOWN = 80  # characters of what is wrong


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some texts, and nothing else."""

    of: tuple[str, ...]  # in any order, which bears on nothing

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", tuple(sorted(set(self.of))))
        if not all(text.strip() == text and text for text in self.of) or not self.of:
            raise BadRecipe(f"Choice: {self.of} holds nothing, or blanks at an end; expected the texts to choose from")

    def fault(self, text: str) -> str | None:
        """Say what is wrong with a reply; None: nothing is. Blanks around it are no fault."""
        return None if text.strip() in self.of else f"{text.strip()[:SHOWN]!r} is none of the {len(self.of)}"


@dataclass(frozen=True, slots=True)
class Regex:
    """A text that fits a pattern from end to end. The patterns are RE2's, whose time is linear in any text."""

    pattern: str

    def __post_init__(self) -> None:
        fits(self.pattern, "")

    def fault(self, text: str) -> str | None:
        """Say what is wrong with a reply; None: nothing is."""
        return None if fits(self.pattern, text) else f"{text[:SHOWN]!r} does not fit {self.pattern!r}"


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """JSON after a schema (draft 2020-12). Engines write properties in the order of the schema, so that order counts.

    `schema` is given as a mapping or as JSON, and kept as JSON in one form.
    """

    schema: str | Mapping[str, Any]

    def __post_init__(self) -> None:
        from generators.schemas import in_one_form  # noqa: PLC0415 - its library takes seconds to import

        object.__setattr__(self, "schema", in_one_form(self.schema))

    @property
    def text(self) -> str:
        """The schema as JSON."""
        return str(self.schema)

    def fault(self, text: str) -> str | None:
        """Say what is wrong with a reply; None: nothing is."""
        from generators.schemas import fault  # noqa: PLC0415 - as above

        return fault(self.text, text)


Form: TypeAlias = Choice | Regex | JsonSchema
