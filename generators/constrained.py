"""Questions with constraints on the form of their answers, and the answers held against them by program.

instruct/no_question    the row has no turn of a user, and no text
instruct/length         the question is too short or too long, in characters
instruct/no_constraint  none of the constraints that are asked for fits the question or its language
verify/<id>             the reply breaks this constraint, as in verify/ja_letters_furigana: the first one that it breaks

Every reply has its verdicts as scores: `strict/<id>` and `loose/<id>`, 1 or 0, and `verify/strict` and `verify/loose`,
the shares of its constraints. Ids are spelled with underscores there.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from filters.constraint_draws import composed
from filters.constraint_records import Record, record, verdicts
from filters.verifiers import IDS, class_of
from generators.engine import Reply
from manifests import canonical
from manifests.errors import BadRecipe, BadRow
from manifests.rows import Conversation, Document, Message, Row
from manifests.stage import Kept, Rejected, Rule, Stage

CONSTRAINTS = "instruct/constraints"  # label: instruction_id_list and kwargs, as JSON
USER, ASSISTANT = "user", "assistant"


@dataclass(frozen=True, slots=True)
class AsQuestions(Stage):
    """Make a document of the first turn of each conversation's user; documents are questions as they are."""

    version: ClassVar[int] = 1

    min_chars: int = 10
    max_chars: int = 500

    def rules(self) -> tuple[Rule, ...]:
        least = Rule("instruct/length", "instruct/chars", ">=", self.min_chars)
        return least, Rule("instruct/length", "instruct/chars", "<=", self.max_chars)

    def __call__(self, rows: Iterable[Row]) -> Iterator[Kept | Rejected]:
        for row in rows:
            text = _question(row).strip()
            values = {"instruct/chars": float(len(text))}
            if not text:
                yield Rejected(row, "instruct/no_question")
            elif not self.min_chars <= len(text) <= self.max_chars:
                crossed = self.min_chars if len(text) < self.min_chars else self.max_chars
                yield Rejected(row, "instruct/length", len(text), crossed, values=values)
            elif isinstance(row, Document):
                yield Kept(row, values)
            else:
                yield Kept(Document(**row.shared(), text=text).derive(), values)


@dataclass(frozen=True, slots=True)
class Constrain(Stage):
    """Draw constraints for each question, by its id and the seed; the question stays as it is."""

    version: ClassVar[int] = 1

    least: int = 1
    most: int = 3
    times: int = 1  # sets of constraints for each question
    among: tuple[str, ...] = ()  # ids; none: all of the question's language
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.among:
            class_of(name)
        if not 1 <= self.least <= self.most or self.times < 1:
            raise BadRecipe(
                f"Constrain: {self.least} to {self.most} constraints, {self.times} times; expected 1 or more"
            )

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for row in rows:
            for part in range(self.times):
                key = canonical.join_parts(b"constrain", str(self.seed).encode(), row.id, str(part).encode())
                rng = Random(key)
                count = rng.randint(self.least, self.most)
                known = row.language if row.language in IDS else ""
                made = composed(rng, known, row.text, count, self.among or None) if known else ()
                if made:
                    told = Record("", "", made).to_json()
                    label = json.dumps({name: told[name] for name in ("instruction_id_list", "kwargs")})
                    yield row.derive(part=part, labels={**row.labels, CONSTRAINTS: label})
                else:
                    yield Rejected(row.derive(part=part) if self.times > 1 else row, "instruct/no_constraint")


def stated() -> dict[str, str]:
    """Return how each constraint is asked for, by id, in the language of its replies."""
    return {name: class_of(name).stated[language] for language, ids in IDS.items() for name in ids}


@dataclass(frozen=True, slots=True)
class Instruct:
    """A question with constraints in, a conversation out: the question with what states them, and the reply."""

    version: ClassVar[int] = 1

    stated: Mapping[str, str] = field(default_factory=stated)  # by id

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        made = constraints_of(doc).constraints
        told = "\n".join([one.sentence(one.made_for, self.stated[one.id]) for one in made])
        return (Message(USER, f"{doc.text.strip()}\n\n{told}"),)

    def parse(self, doc: Document, reply: Reply) -> Conversation:
        said = Message(ASSISTANT, reply.text.strip())
        return Conversation(**{**doc.shared(), "source": "instruct"}, messages=(*self.prompt(doc), said)).derive()


@dataclass(frozen=True, slots=True)
class Verified(Stage):
    """Keep the conversations whose last reply satisfies all constraints that stand in their labels."""

    version: ClassVar[int] = 1

    loose: bool = False  # one of the eight variants of a reply is enough

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Kept | Rejected]:
        for row in rows:
            found = verdicts(constraints_of(row).constraints, row.messages[-1].content if row.messages else "")
            values: dict[str, float] = {
                "verify/strict": sum([one.strict for one in found]) / len(found),
                "verify/loose": sum([one.loose for one in found]) / len(found),
            }
            for one in found:
                values |= {f"strict/{spelled(one.id)}": float(one.strict), f"loose/{spelled(one.id)}": float(one.loose)}
            broken = next((one.id for one in found if not (one.loose if self.loose else one.strict)), None)
            scored = row.replace(scores={**row.scores, **values})
            if broken:
                yield Rejected(scored, f"verify/{spelled(broken)}", 0.0, 1.0, values=values)
            else:
                yield Kept(scored, values)


def constraints_of(row: Row) -> Record:
    """Return the constraints that a row's labels hold. Raises BadRow where there are none."""
    try:
        return record(json.loads(row.labels[CONSTRAINTS]))
    except (KeyError, ValueError, TypeError) as error:
        raise BadRow(f"row {row.hex} has no constraints in {CONSTRAINTS!r}; expected rows of Constrain") from error


def spelled(name: str) -> str:
    """Return an id as reasons and scores spell it."""
    return name.replace(":", "_")


def _question(row: Row) -> str:
    if isinstance(row, Document):
        return row.text
    messages = row.messages if isinstance(row, Conversation) else ()
    return next((turn.content for turn in messages if turn.role == USER), "")
