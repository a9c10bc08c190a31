"""What another threshold would change, in numbers and in a sentence."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

import polars as pl
import pyarrow as pa

from manifests.plain import plain
from manifests.stage import Rule
from manifests.wording import count, number

Direction = Literal["tighter", "looser", "same"]

_EXAMPLES = 5
_GROUPS = 20  # of the largest domains, and languages


@dataclass(frozen=True, slots=True)
class Change:
    """Some rows, in numbers."""

    rows: int = 0
    chars: int = 0  # of text, where the ledger has them
    domains: dict[str, int] = field(default_factory=dict)  # rows, of the largest ones
    languages: dict[str, int] = field(default_factory=dict)  # rows
    examples: tuple[bytes, ...] = ()  # the smallest ids

    @classmethod
    def of(cls, facts: pa.Table) -> Self:
        """Count rows by their facts: `id, domain, language, chars`."""
        frame = pl.DataFrame(pl.from_arrow(facts.select(["id", "domain", "language", "chars"])))
        return cls(
            rows=len(frame),
            chars=int(frame["chars"].sum() or 0),
            domains=_groups(frame["domain"]),
            languages=_groups(frame["language"]),
            examples=tuple(frame["id"].sort().head(_EXAMPLES)),
        )


NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule would do with another threshold."""

    rule: Rule  # as it is
    threshold: float  # asked about
    step: int  # over the whole recipe
    title: str  # of the step
    direction: Direction
    rows: int  # of the dataset as it is
    at_least: int | None  # rows that the dataset would have; None: not known
    at_most: int | None
    at_step: Change = NOTHING  # rows that the step would refuse besides, or let through besides
    final: Change = NOTHING  # tighter: rows of the dataset that would go. looser: rows that would certainly come
    refused_else: dict[str, int] = field(default_factory=dict)  # looser: rows that another rule of the step refuses
    next_step: str | None = None  # looser: which has never seen the rows that are let through
    notes: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the number of rows is known to the last one."""
        return self.at_least is not None and self.at_least == self.at_most

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"sentence": sentence(self), "exact": self.exact, **plain(self)}


def sentence(answer: Answer) -> str:
    """Return the answer in words."""
    asked = f"{answer.rule.reason} at {number(answer.threshold)} instead of {number(answer.rule.threshold)}"
    if answer.direction == "same":
        return f"{answer.rule.reason} is at {number(answer.threshold)} already: nothing would change"
    does = "refuse" if answer.direction == "tighter" else "let through"
    parts = [
        f"{asked}: {answer.title} would {does} {count(answer.at_step.rows, 'more row')} "
        f"({count(answer.at_step.chars, 'character')})"
    ]
    if answer.refused_else:
        others = ", ".join(f"{reason} {rows:,}" for reason, rows in answer.refused_else.items())
        parts.append(f"others it would still refuse ({others})")
    if answer.direction == "tighter":
        parts.append(f"{answer.final.rows:,} of the {count(answer.rows, 'row')} of the dataset would go")
    elif answer.next_step and answer.at_step.rows:
        parts.append(f"what {answer.next_step} and later steps would do with them is not known")
    return "; ".join([*parts, _outcome(answer), *answer.notes])


def _outcome(answer: Answer) -> str:
    if answer.exact:
        return f"{count(answer.at_least or 0, 'row')} would stay"
    if answer.at_least is None:
        return "how many rows would stay is not known"
    if answer.at_most is None:
        return f"at least {count(answer.at_least, 'row')} would stay"
    return f"{answer.at_least:,} to {count(answer.at_most, 'row')} would stay"


def _groups(column: pl.Series) -> dict[str, int]:
    """Return how often each value is there, the commonest first; a row without one counts as "unknown"."""
    counts = column.fill_null("unknown").alias("name").value_counts(name="rows")
    return dict(counts.sort(["rows", "name"], descending=[True, False]).head(_GROUPS).iter_rows())
