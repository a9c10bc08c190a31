"""Exact duplicates: texts that are equal, character by character, once normalised."""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from dedup.columns import matrix, texts
from dedup.outcome import Rows
from dedup.rank import ranks
from manifests.errors import BadRecipe
from manifests.stage import Map, Rule, Selected, Selection, Side, below, describe

if TYPE_CHECKING:
    from manifests.view import View

Form: TypeAlias = Literal["nfc_space", "literal"]
FORMS = ("nfc_space", "literal")


@dataclass(frozen=True, slots=True)
class TextDigests(Side):
    """For each document its id and 16 bytes of the SHA-256 of its text in one form."""

    columns: ClassVar[tuple[str, ...]] = ("id", "text")

    form: Form = "nfc_space"

    def __call__(self, shard: pa.Table) -> pa.Table:
        digests = [
            hashlib.sha256(normalise(text, self.form).encode()).digest()[:16]
            for text in texts(shard, "exact").to_pylist()
        ]
        return pa.table({"id": shard.column("id"), "digest": pa.array(digests, pa.binary(16))})

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "unicode": unicodedata.unidata_version}


@dataclass(frozen=True, slots=True)
class ExactDedup(Selection):
    """Of documents with the same text, keep one at random; drop the others as `exact/duplicate`.

    Raises BadRecipe where the form is not known or rows are no documents.
    """

    form: Form = "nfc_space"  # NFC, each run of white space as one space, none at the ends; or "literal": as it is
    seed: int = 0  # for which row stays

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise BadRecipe(f"exact: form is {self.form!r}; expected one of {', '.join(FORMS)}")

    def rules(self) -> tuple[Rule, ...]:
        return below("exact/duplicate", "exact/similarity", 1.0)

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "side": TextDigests(self.form)}

    def select(self, view: "View", map: Map) -> Selected:
        tables = view.side(TextDigests(self.form), map)
        rows = Rows.of(view, tables)
        digests = matrix(
            pa.chunked_array([c for table in tables for c in table.column("digest").chunks], pa.binary(16)), "<u8"
        )
        order = np.lexsort((ranks(rows.ids, self.seed), digests[:, 1], digests[:, 0]))
        grouped = digests[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = np.any(grouped[1:] != grouped[:-1], axis=1)
        survivors = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
        (rule,) = self.rules()
        return rows.drop(order[~first], survivors[~first], np.ones(int((~first).sum())), rule)


def normalise(text: str, form: Form) -> str:
    """Return the form of a text that is compared."""
    if form == "literal":
        return text
    return " ".join(unicodedata.normalize("NFC", text).split())
