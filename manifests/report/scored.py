"""What a report shows of scores: their spread by category and domain, texts at each decile, what a cut costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from manifests import shard
from manifests.commit import in_threads
from manifests.decoding import SCORE_DIGITS
from manifests.ledger import DROPPED, domains
from manifests.lineage import recipe_chain
from manifests.lookup import rows_anywhere
from manifests.manifest import Entry, Manifest
from manifests.report import charts
from manifests.report.facts import excerpt
from manifests.report.shell import drawn
from manifests.rows import ID_BYTES
from manifests.store import Store
from manifests.view import Slice

MOST_SLICES = 64  # shards that are read: some million pages
MOST_SCORES = 8
MOST_GROUPS = 12  # of a label, and domains
FEWEST_ALIKE = 1.5  # rows for each value of what is taken for a category
LEAST_ROWS = 2  # with a score, for it to be spread at all
DECILES = 10
SAMPLES = 2  # at each decile
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # of the rows: what such a cut would leave
_TOP = ("top/below", "top/tied")


@dataclass(frozen=True)
class _Pool:
    """The part of a recipe from which the selections at its end chose, and the thresholds that they found."""

    part: Manifest
    thresholds: dict[str, list[float]]  # by score


def scored(store: Store, manifest: Manifest) -> dict[str, Any] | None:
    """Return what is known of the scores of a dataset and of those rows that its last selections left out.

    None where no row has a score.
    """
    pool = _pool(store, manifest)
    pairs = list(zip(pool.part.entries, manifest.entries, strict=True))
    step = max(1, -(-len(pairs) // MOST_SLICES))
    read = in_threads(lambda pair: _rows(store, manifest.kind, *pair), pairs[::step])
    frame = pl.concat(read, how="diagonal") if read else pl.DataFrame()
    names = [name.removeprefix("score:") for name in frame.columns if name.startswith("score:")]
    wide = [name for name in names if frame[f"score:{name}"].drop_nulls().len() >= LEAST_ROWS]
    if not wide:
        return None
    most = sorted(wide, key=lambda name: -frame[f"score:{name}"].drop_nulls().len())[:MOST_SCORES]
    facts = [_facts(frame, name, pool.thresholds.get(name, [])) for name in sorted(most)]
    wanted = {row_id for one in facts for decile in one["deciles"] for row_id in decile["ids"]}
    rows = rows_anywhere(store, pool.part, wanted)
    for one in facts:
        for decile in one["deciles"]:
            its = [rows.get(row_id) for row_id in decile.pop("ids")]
            decile["samples"] = [
                {
                    "id": row.hex,
                    "url": row.url or row.source,
                    "text": excerpt(row),
                    "value": row.scores.get(one["name"]),
                }
                for row in its
                if row
            ]
    return {"looked": len(frame), "rows": pool.part.rows, "scores": facts}


def _pool(store: Store, manifest: Manifest) -> _Pool:
    chain = recipe_chain(store, manifest)
    shards = [entry.shard for entry in manifest.entries]
    pool, thresholds = manifest, dict[str, list[float]]()
    for before, part in zip(chain[-2::-1], chain[:0:-1], strict=False):
        if [entry.shard for entry in before.entries] != shards:
            break
        thresholds |= _thresholds(store, part)
        pool = before
    return _Pool(pool, thresholds)


def _thresholds(store: Store, part: Manifest) -> dict[str, list[float]]:
    """Return the thresholds that a selection by percentile found, by score; one for each group at the most."""
    fields = [step.describe.get("fields", {}) for step in part.steps if "top/below" in step.reasons]
    scores = [str(its["score"]) for its in fields if "score" in its]
    found: set[float] = set()
    for digest in part.ledger.decisions if scores else ():
        table = shard.read_parquet(store.get(digest), ["action", "reason", "threshold"])
        cut = pc.and_(pc.equal(table["action"], DROPPED), pc.is_in(table["reason"], value_set=pa.array(_TOP)))
        found |= set(table.filter(cut)["threshold"].drop_null().unique().to_pylist())
    return {score: sorted(found)[:MOST_GROUPS] for score in scores}


def _rows(store: Store, kind: str, whole: Entry, chosen: Entry) -> pl.DataFrame:
    """Return a row for each row of a slice: what it is, whether it stayed, and its scores and labels."""
    part, final = Slice(store, kind, 0, whole), Slice(store, kind, 0, chosen)
    columns = [name for name in _READ if name in shard.schema(kind).names]
    table = part.table(columns)
    stayed = np.isin(_places(part, len(table)), _places(final, chosen.rows))
    made = {
        "id": table["id"].cast(pa.binary()),
        "domain": domains(table["url"].to_pylist()),
        "language": table["language"],
        "chars": shard.lengths(table).cast(pa.int64()),
        "tokens": table["token_count"].cast(pa.int64()),
        "kept": pa.array(stayed),
    }
    for column, prefix in (("scores", "score"), ("labels", "label")):
        names = {name for chunk in table[column].chunks for name in chunk.keys.unique().to_pylist()}
        made |= {f"{prefix}:{name}": pc.map_lookup(table[column], name, "first") for name in sorted(names)}
    return pl.DataFrame(pl.from_arrow(pa.table(made))).with_columns(
        pl.col("^score:.*$").cast(pl.Float64).round(SCORE_DIGITS).fill_nan(None)
    )


def _places(part: Slice, rows: int) -> Any:
    positions = part.positions()
    return np.arange(rows) if positions is None else positions.to_numpy()


_READ = ("id", "url", "language", "text", "messages", "token_count", "scores", "labels")


def _facts(frame: pl.DataFrame, name: str, thresholds: Sequence[float]) -> dict[str, Any]:
    column = f"score:{name}"
    lines = frame.drop_nulls(column).sort(column, "id", descending=[True, False])
    kept = lines["kept"].to_numpy()
    values = lines[column].to_numpy()
    costs = list(_costs(lines, column))
    return {
        "name": name,
        "rows": len(lines),
        "without": len(frame) - len(lines),
        "kept": int(kept.sum()),
        "chart": drawn(charts.histogram(values[kept], values[~kept], thresholds)),
        "thresholds": thresholds,
        "groups": list(_groups(lines, column)),
        "deciles": list(_deciles(lines, column)),
        "costs": costs,
        "curve": drawn(_curve(lines, column)),
        "unit": "tokens" if _counted(lines) else "characters",
    }


def _groups(lines: pl.DataFrame, column: str) -> Iterator[dict[str, Any]]:
    """Yield, for languages, domains and each label, how the score is spread in the larger groups."""
    for by in ("language", "domain", *(name for name in lines.columns if name.startswith("label:"))):
        named = lines.drop_nulls(by)
        values = named[by].n_unique()
        if values < 2 or values > len(named) / FEWEST_ALIKE:  # of a title, say, each is another
            continue
        spread = named.group_by(by).agg(
            pl.len().alias("rows"),
            pl.col(column).quantile(0.1, "nearest").alias("low"),
            pl.col(column).median().alias("middle"),
            pl.col(column).quantile(0.9, "nearest").alias("high"),
            pl.col("kept").mean().alias("share"),
        )
        largest = spread.sort("rows", by, descending=[True, False]).head(MOST_GROUPS)
        yield {
            "name": by.removeprefix("label:"),
            "more": len(spread) - len(largest),
            "lines": largest.sort("middle", by, descending=[True, False]).rename({by: "group"}).to_dicts(),
        }


def _deciles(lines: pl.DataFrame, column: str) -> Iterator[dict[str, Any]]:
    """Yield the tenths of a pool, the best first, with rows from their middles."""
    bounds = [len(lines) * place // DECILES for place in range(DECILES + 1)]
    for number, (begin, end) in enumerate(pairwise(bounds)):
        its = lines.slice(begin, end - begin)
        if len(its):
            middle = its.slice(max(0, len(its) // 2 - SAMPLES // 2), SAMPLES)
            ids = [row_id.ljust(ID_BYTES, b"\0") for row_id in middle["id"].to_list()]
            span = {"low": its[column].min(), "high": its[column].max()}
            yield {"from": number * 100 // DECILES, "to": (number + 1) * 100 // DECILES, "ids": ids} | span


def _costs(lines: pl.DataFrame, column: str) -> Iterator[dict[str, Any]]:
    """Yield what is left of a pool at some thresholds. All rows with the threshold's score are counted in."""
    unit = "tokens" if _counted(lines) else "chars"
    whole = max(1, int(lines[unit].sum() or 0))
    for share in SHARES:
        last = max(0, round(share * len(lines)) - 1)
        threshold = lines[column][last]
        left = lines.filter(pl.col(column) >= threshold)
        size = int(left[unit].sum() or 0)
        yield {"share": share, "threshold": threshold, "rows": len(left), "size": size, "of": size / whole}


def _curve(lines: pl.DataFrame, column: str) -> str:
    unit = "tokens" if _counted(lines) else "chars"
    sizes = lines[unit].fill_null(0).to_numpy().astype(np.float64)
    left = np.cumsum(sizes)
    last = np.append(np.flatnonzero(np.diff(lines[column].to_numpy())), len(lines) - 1)  # of each value
    return charts.curve(
        lines[column].to_numpy()[last], left[last], "threshold", "tokens" if unit == "tokens" else "characters"
    )


def _counted(lines: pl.DataFrame) -> bool:
    """Tell whether every row has a count of tokens."""
    return lines["tokens"].null_count() == 0
