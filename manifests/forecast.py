"""What a whole crawl would take, told from the run of a sample of its files.

    forecast(store, store.manifest("web-sample"), files=90_000, cores=64).core_hours.expected

Time, disk, rows and tokens grow with the bytes that are read. The interval covers 95 of 100 such
crawls, as far as the files of the sample differ as all files do (Student's t); it knows nothing of a sample that was
not drawn by chance, nor of duplicates, of which a whole crawl has a larger share.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow.compute as pc

from manifests.collect import objects_of
from manifests.errors import BadSource
from manifests.lineage import recipe_chain
from manifests.manifest import Manifest
from manifests.objects import object_key
from manifests.store import Store
from manifests.view import View

_STORED = (".parquet", ".roaring")
# Student's t, .975, by degrees of freedom; beyond the table it is within .01 of what `_student` says.
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure of the sample, and what it is expected to be for the whole."""

    sample: float
    expected: float
    low: float | None = None  # None, as `high`: there is nothing to tell it from, or just one file
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a whole crawl would take. Hours are of 3,600 s, bytes are bytes."""

    sample_files: int
    sample_bytes: int
    files: float
    bytes: float
    cores: int
    core_hours: Estimate
    hours: Estimate  # on `cores`
    rows: Estimate
    characters: Estimate
    tokens: Estimate | None  # None: they were not counted
    disk_bytes: Estimate  # shards of all parts, ledgers and indexes
    memory_bytes: float | None  # of `cores` workers, without their helpers; None: it was not recorded
    steps: Mapping[str, float]  # core-hours by part of the recipe; of a selection, as if it used one core


def forecast(
    store: Store, manifest: Manifest, *, files: int | None = None, size_bytes: float | None = None, cores: int = 1
) -> Forecast:
    """Return what `files` files like those of the sample, or `size_bytes` of them, would take.

    `manifest` is the sample. Raises BadSource where it was not read from files, or where no run recorded its times.
    """
    chain = recipe_chain(store, manifest)
    sizes = {source.file: source.size for source in chain[0].sources}
    whole = sum(sizes.values())
    if not whole:
        raise BadSource(f"manifest {manifest.id[:16]} was not read from files: name a sample of a crawl")
    if (files is None) == (size_bytes is None):
        raise BadSource("a forecast is for so many files or for so many bytes: say one of them")
    mean = whole / len(sizes)
    ahead = size_bytes / mean if size_bytes is not None else float(files or 0)
    parts = _timed_parts(store, manifest)
    kept = _kept_by_file(store, manifest, list(sizes)) or {}
    weights = list(sizes.values())

    def scaled(total: float, values: Sequence[float] | None) -> Estimate:
        factor = ahead / len(sizes)
        return _estimate(total, total * factor, _relative(values, weights, ahead) if values else None, len(sizes))

    hours = {part["title"]: _seconds(part) / 3600 for part in parts}
    spread, units = _time_spread(parts, weights, ahead)
    core_hours = _estimate(sum(hours.values()), sum(hours.values()) * ahead / len(sizes), spread, units)
    peak = max(part.get("peak_bytes", 0) for part in parts)
    return Forecast(
        sample_files=len(sizes),
        sample_bytes=whole,
        files=ahead,
        bytes=ahead * mean,
        cores=cores,
        core_hours=core_hours,
        hours=_shared(core_hours, cores),
        rows=scaled(manifest.rows, kept.get("rows")),
        characters=scaled(manifest.chars, kept.get("chars")),
        tokens=scaled(manifest.tokens, kept.get("tokens")) if manifest.tokens else None,
        disk_bytes=scaled(_disk_bytes(store, chain), kept.get("chars")),
        memory_bytes=float(peak * cores) or None,
        steps={title: own * ahead / len(sizes) for title, own in hours.items()},
    )


def _timed_parts(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    """Return each part of the recipe as that run recorded it which made most of its units itself."""
    runs = list(store.runs())
    own = [run for run in runs if run.get("manifest") == manifest.id and run.get("parts")]
    whole = [run for run in own if run.get("limit") is None]
    if not whole:
        why = "only with --limit, so how much of its files was read is not known" if own else "by no run of this store"
        raise BadSource(f"manifest {manifest.id[:16]} was made {why}; run its recipe on a sample of whole files")
    known = [part for run in runs if run.get("limit") is None for part in run.get("parts", ())]
    return [_best([one for one in known if _same(one, part)], part["title"]) for part in whole[-1]["parts"]]


def _best(found: list[dict[str, Any]], title: str) -> dict[str, Any]:
    timed = [part for part in found if part["units"] == 0 or part["units"] > part["reused"]]
    if not timed:
        raise BadSource(f"no run recorded the time of {title}: all of it was found as made before; use a new store")
    return max(timed, key=lambda part: int(part["units"]) - int(part["reused"]))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["title"] == other["title"] and one["units"] == other["units"])


def _seconds(part: Mapping[str, Any]) -> float:
    """Return the seconds of all units of a part, had none been made before; of a selection, those on the clock."""
    fresh = part["units"] - part["reused"]
    if part["seconds"] and fresh > 0:
        return float(sum(part["seconds"]) * part["units"] / fresh)
    return float(part.get("wall_s", 0.0)) if fresh > 0 else 0.0


def _time_spread(parts: Sequence[Mapping[str, Any]], sizes: Sequence[int], ahead: float) -> tuple[float | None, int]:
    """Return the relative deviation of the time of all parts together, and the fewest units it was told from."""
    variance, total, units = 0.0, sum(map(_seconds, parts)), len(sizes)
    for part in parts:
        own = part.get("unit_seconds") or []
        if part is not parts[0] and len(own) < 2:
            continue  # a selection, or a part of one shard: its time is taken as steady
        # The first part reads a file in each unit; of later parts, units are shards, which are alike.
        weights = sizes if part is parts[0] and len(own) == len(sizes) else [1] * len(own)
        relative = _relative(own, weights, ahead * part["units"] / len(sizes))
        if relative is None:
            return None, 1
        variance += (relative * _seconds(part)) ** 2
        units = min(units, len(own))
    return (math.sqrt(variance) / total, units) if total else (None, units)


def _relative(values: Sequence[float], sizes: Sequence[float], ahead: float) -> float | None:
    """Return the relative standard deviation of a sum over `ahead` units to come, told by a ratio from those seen."""
    seen, total = len(values), sum(values)
    if seen < 2 or not total or ahead <= 0:
        return None
    ratio = total / sum(sizes)
    variance = sum([(value - ratio * size) ** 2 for value, size in zip(values, sizes, strict=True)]) / (seen - 1)
    return math.sqrt(variance * (1 / seen + 1 / ahead)) * seen / total


def _estimate(sample: float, expected: float, relative: float | None, units: int) -> Estimate:
    if relative is None or units < 2:
        return Estimate(sample, expected)
    half = expected * relative * _student(units - 1)
    return Estimate(sample, expected, max(0.0, expected - half), expected + half)


def _student(freedom: int) -> float:
    return _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 1.96 + 2.7 / freedom


def _shared(hours: Estimate, cores: int) -> Estimate:
    low, high = [None if bound is None else bound / cores for bound in (hours.low, hours.high)]
    return Estimate(hours.sample / cores, hours.expected / cores, low, high)


def _kept_by_file(store: Store, manifest: Manifest, files: list[str]) -> dict[str, list[float]] | None:
    """Return rows, characters and tokens of each file, in order; None where not every row names one of them."""
    tables = []
    for part in View(store, manifest).slices:
        table = part.table()
        has_text = "text" in table.column_names
        tables.append(
            pl.DataFrame(
                {
                    "file": pl.Series(pc.struct_field(table["origin"], "file").to_pylist(), dtype=pl.String),
                    "chars": pl.Series(pc.utf8_length(table["text"]).to_pylist() if has_text else [0] * len(table)),
                    "tokens": pl.Series(table["token_count"].to_pylist(), dtype=pl.Int64),
                },
                schema_overrides={"chars": pl.Int64},
            )
        )
    if not tables:
        return None
    sums = pl.concat(tables).group_by("file").agg(pl.len().alias("rows"), pl.col("chars", "tokens").sum())
    found = {row["file"]: row for row in sums.to_dicts()}
    if not found.keys() <= set(files):
        return None
    return {name: [found.get(file, {}).get(name, 0) for file in files] for name in ("rows", "chars", "tokens")}


def _disk_bytes(store: Store, chain: Sequence[Manifest]) -> int:
    objects = {one for part in chain for one in objects_of(part) if one[1] in _STORED}
    return sum([store.files.size(object_key(*one)) or 0 for one in objects])
