"""Exact duplicates: texts that are equal, character by character, once normalised."""

import hashlib
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dedup.columns import COMPARED, TURN, texts
from dedup.equal import drop_equal
from dedup.others import others
from dedup.rank import Keep, Priority
from manifests.errors import BadRecipe
from manifests.stage import Map, Rule, Selected, Selection, Side, below, describe
from manifests.view import View

if TYPE_CHECKING:
    from manifests.store import Store

Form: TypeAlias = Literal["nfc_space", "literal"]
FORMS = ("nfc_space", "literal")


@dataclass(frozen=True, slots=True)
class TextDigests(Side):
    """For each row its id, 16 bytes of the SHA-256 of its text in one form, and the text's characters."""

    version: ClassVar[int] = 2
    columns: ClassVar[tuple[str, ...]] = COMPARED

    form: Form = "nfc_space"

    def __call__(self, shard: pa.Table) -> pa.Table:
        column = texts(shard, "exact")
        forms = column.cast(pa.large_binary()).to_pylist() if self.form == "literal" else map(plain, column.to_pylist())
        digests = [hashlib.sha256(form).digest()[:16] for form in forms]
        return pa.table(
            {
                "id": shard.column("id"),
                "digest": pa.array(digests, pa.binary(16)),
                "letters": pc.utf8_length(column).cast(pa.int64()),
            }
        )

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "unicode": unicodedata.unidata_version}


@dataclass(frozen=True, slots=True)
class ExactDedup(Selection):
    """Of rows with the same text, keep one; drop the others as `exact/duplicate`.

    Of conversations the user's turns are the text. Raises BadRecipe where the form or the policy is not known, or rows
    are neither documents nor conversations.
    """

    version: ClassVar[int] = 3

    form: Form = "nfc_space"  # NFC, each run of white space as one space, none at the ends; or "literal": as it is
    keep: Keep = "random"  # or "oldest", "newest", "longest", "best" (of `score`): which row stays
    score: str = ""
    seed: int = 0  # for which row stays
    against: tuple[str, ...] = ()  # datasets that are there already, as `dedup.minhash` has it

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise BadRecipe(f"exact: form is {self.form!r}; expected one of {', '.join(FORMS)}")
        self._priority.check("exact")

    def rules(self) -> tuple[Rule, ...]:
        return below("exact/duplicate", "exact/similarity", 1.0)

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "side": TextDigests(self.form)}

    def select(self, view: View, map: Map) -> Selected:
        return drop_equal(
            view, others(view, self.against), map, TextDigests(self.form), self._priority, self.rules()[0]
        )

    def resolve(self, store: "Store") -> "ExactDedup":
        return replace(self, against=tuple([store.resolve(name) for name in self.against]))

    @property
    def _priority(self) -> Priority:
        return Priority(self.keep, self.score, self.seed)


def plain(text: str) -> bytes:
    """Return a text in NFC, each run of white space as one space, none at the ends of it and of its turns."""
    turns = unicodedata.normalize("NFC", text).split(TURN)
    return TURN.join([" ".join(turn.split()) for turn in turns]).encode()
