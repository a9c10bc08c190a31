"""Licences of rows as SPDX expressions: put together where a row is made of others, and allowed or not as a gate.

run(recipe(), "web", store=store, checks=[Licences(("Apache-2.0", "MIT", "CC-BY-*"))])
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow.compute as pc
from license_expression import ExpressionError, Licensing

from manifests.errors import BadRecipe, BadRow
from manifests.manifest import Manifest
from manifests.store import Store
from manifests.view import View

UNKNOWN = "NOASSERTION"  # SPDX: nobody said
LONGEST = 2_000  # characters of an expression that is read at all
SHOWN = 3  # licences that a refusal names


@lru_cache(maxsize=4_096)
def joined(row: str | None, model: str | None) -> str | None:
    """Return the licences that bind what a model made of a row, as one expression.

    >>> joined("CC-BY-4.0", "Apache-2.0"), joined("MIT OR GPL-2.0-only", "MIT"), joined(None, "MIT")
    ('CC-BY-4.0 AND Apache-2.0', '(MIT OR GPL-2.0-only) AND MIT', 'NOASSERTION AND MIT')
    """
    if row == model or model is None:
        return row
    parts = [_read(licence) for licence in (row or UNKNOWN, model)]
    if None in parts:  # no expression, which a gate says in its own words
        return f"{row} AND {model}"
    both = [f"({part.render()})" if _operator(part) == "OR" else part.render() for part in parts]
    return str(_SPDX.dedup(" AND ".join(both)).render())


@dataclass(frozen=True, slots=True)
class Licences:
    """A check of a manifest: each row's licence is among those allowed, or offers one that is.

    Of `A AND B` both must be allowed, of `A OR B` one; `A WITH x` is one licence. `*` stands for a version: "CC-BY-*"
    is CC-BY-4.0 and not CC-BY-NC-4.0. A row without a licence has NOASSERTION, allowed only where it is listed.
    """

    allowed: tuple[str, ...]  # SPDX identifiers

    def __post_init__(self) -> None:
        if not self.allowed or not all(self.allowed):
            raise BadRecipe("licences: expected SPDX identifiers, such as --licences 'Apache-2.0,MIT,CC-BY-*'")

    @classmethod
    def of(cls, text: str) -> "Licences":
        """Return the check for a list such as "Apache-2.0, MIT, CC-BY-*"."""
        return cls(tuple([part.strip() for part in text.split(",")]))

    def allows(self, licence: str | None) -> bool:
        """Tell whether a licence is allowed. What is no expression is not."""
        read = _read(licence or UNKNOWN)
        return read is not None and self._allows(read)

    def __call__(self, store: Store, manifest: Manifest) -> None:
        """Raise BadRow where a row has a licence that is not allowed: which ones, how many, and a row of the first."""
        counts = [(None, manifest.rows - sum(manifest.licences.values())), *manifest.licences.items()]
        bad = {licence: rows for licence, rows in counts if rows and not self.allows(licence)}
        if not bad:
            return
        worst = sorted(bad, key=lambda licence: (-bad[licence], licence or ""))
        named = "; ".join([f"{bad[one]:,} rows: {(one or UNKNOWN)[:80]!r}" for one in worst[:SHOWN]])
        more = f" and {len(bad) - SHOWN} more licences" if len(bad) > SHOWN else ""
        raise BadRow(
            f"{manifest.id[:12]} has rows under licences that are not allowed: {named}{more}, such as row "
            f"{_example(store, manifest, worst[0])}; allowed are {', '.join(self.allowed)}. Leave such rows out, or "
            "add the licence to --licences; no name was given to this version"
        )

    def _allows(self, read: Any) -> bool:
        operator = _operator(read)
        if operator:
            each = [self._allows(one) for one in read.args]
            return all(each) if operator == "AND" else any(each)
        return any(_pattern(one).fullmatch(read.render()) for one in self.allowed)


_SPDX = Licensing()


@lru_cache(maxsize=256)
def _pattern(allowed: str) -> re.Pattern[str]:
    return re.compile(r"[0-9][0-9.]*".join([re.escape(part) for part in allowed.split("*")]), re.IGNORECASE)


def _operator(read: Any) -> str:
    """Return AND or OR, or "" of a single licence."""
    return str(getattr(read, "operator", "")).strip()


@lru_cache(maxsize=4_096)
def _read(licence: str) -> Any:
    """Return the tree of an expression, or None where it is none."""
    if len(licence) > LONGEST:
        return None
    try:
        return _SPDX.parse(licence)
    except (ExpressionError, RecursionError):
        return None


def _example(store: Store, manifest: Manifest, licence: str | None) -> str:
    """Return the id of the first row with a licence."""
    for part in View(store, manifest).slices:
        table = part.table(["id", "licence"])
        has = pc.is_null(table["licence"]) if licence is None else pc.equal(table["licence"], licence)
        found = table.filter(has)
        if len(found):
            return str(found["id"][0].as_py().hex())
    return "of none"
