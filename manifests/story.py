"""The story of one row: what every step did to it, and a sentence that sums it up."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from manifests.history import Decision
from manifests.plain import plain
from manifests.stage import Rule
from manifests.wording import count, judged, number

Outcome = Literal["kept", "altered", "made", "dropped", "left"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, and the value that it looked at."""

    rule: Rule
    value: float | None  # None: it could not be measured, which keeps the row

    @property
    def passed(self) -> bool:
        """Whether the rule keeps the row."""
        return self.rule.keeps(self.value)

    @property
    def margin(self) -> float | None:
        """How far the value is on the good side of the threshold; negative on the bad one."""
        if self.value is None:
            return None
        distance = self.value - self.rule.threshold
        return distance if self.rule.keep in {">=", ">"} else -distance

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**plain(self.rule), "value": self.value, "passed": self.passed, "margin": self.margin}


@dataclass(frozen=True, slots=True)
class Twin:
    """The row that stayed in the place of one that was dropped, or that keeps text which was taken out of one."""

    id: bytes
    url: str | None
    excerpt: str
    kept: bool  # in the version that was asked about; False: it was dropped later


@dataclass(frozen=True, slots=True)
class StepStory:
    """What one step did to the row."""

    number: int  # over the whole recipe; 0: reading the source
    title: str
    manifest: str  # in whose ledger it is written down
    outcome: Outcome  # "made": the row is new here; "left": other rows were made from it
    checks: tuple[Check, ...] = ()  # empty where the step measured nothing on this row
    decision: Decision | None = None  # the refusal
    cut: Decision | None = None  # what a selection took out of the text: its value is the share of the characters
    twin: Twin | None = None
    changes: tuple[str, ...] = ()  # the first lines that differ, as in a unified diff
    measured: Mapping[str, float] = field(default_factory=dict)  # what no rule looks at

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        values = {
            name: plain(getattr(self, name))
            for name in ("number", "title", "manifest", "outcome", "changes", "measured")
        }
        told = ("reason", "value", "threshold", "file", "offset")
        refusal = self.decision and {name: getattr(self.decision, name) for name in told}
        cut = self.cut and {"reason": self.cut.reason, "share": self.cut.value}
        return values | {
            "checks": [check.to_json() for check in self.checks],
            "refusal": refusal,
            "cut": cut,
            "twin": plain(self.twin),
        }


@dataclass(frozen=True, slots=True)
class Parent:
    """A row that this one was made from, and its story in a sentence."""

    id: bytes
    sentence: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several rows that a model wrote of the same text."""

    id: bytes
    part: int  # of the original, where it was asked about in parts
    number: int
    reason: str | None  # for which it was dropped
    sentence: str
    scores: Mapping[str, float]
    excerpt: str
    measured: Mapping[str, float] = field(default_factory=dict)  # by the last step, beside what its rules look at


@dataclass(frozen=True, slots=True)
class Story:
    """A row's way through a recipe."""

    row_id: bytes
    manifest: str
    kept: bool
    steps: tuple[StepStory, ...]
    url: str | None = None
    domain: str | None = None
    language: str | None = None
    chars: int | None = None
    made_by: str | None = None  # the step that made it
    parents: tuple[Parent, ...] = ()  # that it was made from
    children: tuple[bytes, ...] = ()  # made from it by the step at which it left
    candidates: tuple[Candidate, ...] = ()  # that it is one of, or that were made from it
    repeated: int = 0  # other records with the same id, which were refused

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        facts = ("manifest", "kept", "url", "domain", "language", "chars", "made_by", "parents", "children")
        names = (*facts, "candidates", "repeated")
        return {
            "id": self.row_id.hex(),
            "sentence": sentence(self),
            **{name: plain(getattr(self, name)) for name in names},
            "steps": [step.to_json() for step in self.steps],
        }


def sentence(story: Story) -> str:
    """Return the verdict in words, with what the row was made from."""
    said = verdict(story)
    if story.made_by:
        said += f"; made by {story.made_by} from {', '.join(parent.id.hex() for parent in story.parents)}"
    if story.repeated:
        said += f"; {count(story.repeated, 'other record')} with the same id refused: input/repeated_id"
    return said


def verdict(story: Story) -> str:
    """Return what became of a row, and why."""
    last = story.steps[-1]
    if last.outcome == "dropped" and last.decision:
        return f"dropped by {last.title}: {_refusal(last, last.decision)}"
    if last.outcome == "left":
        failed = Counter([one.reason for one in story.candidates if one.reason])
        none_left = failed and failed.total() == len(story.candidates)
        counts = ", ".join([f"{reason} {rows}" for reason, rows in failed.most_common()])
        made = f"replaced by {count(len(story.children), 'row')} that {last.title} made from it"
        return f"{made}, of which none is left: {counts}" if none_left else made
    if story.kept:
        return f"kept: {', '.join(_merits(story))}"
    return f"gone after {last.title}: its ledger does not say why"


def _refusal(step: StepStory, decision: Decision) -> str:
    if decision.twin:
        alike = "a copy of" if decision.value is None else f"{decision.value:.2f} similar to"
        url = f" {step.twin.url}" if step.twin and step.twin.url else ""
        fate = "which is kept" if step.twin and step.twin.kept else "which was dropped later"
        return f"{alike} {decision.twin.hex()}{url}, {fate}"
    for check in step.checks:
        if check.rule.reason == decision.reason and check.value is not None and not check.passed:
            return judged(check.rule, check.value)
    if decision.value is None:
        return decision.reason
    threshold = "" if decision.threshold is None else f", threshold {number(decision.threshold)}"
    return f"{decision.reason}: {number(decision.value)}{threshold}"


def _merits(story: Story) -> Iterator[str]:
    checks = [check for step in story.steps for check in step.checks]
    measured = sum(bool(step.checks) for step in story.steps)
    yield f"passed {count(len(checks), 'rule')} in {count(measured, 'step')}" if checks else "no rule looked at it"
    altered = [step.title for step in story.steps if step.outcome == "altered"]
    if altered:
        yield f"altered by {', '.join(altered)}"
    values = [(check, check.value) for check in checks if check.value is not None]
    if values:
        check, value = min(values, key=lambda pair: (pair[0].margin or 0) / (abs(pair[0].rule.threshold) or 1))
        yield f"the closest {judged(check.rule, value)}"
