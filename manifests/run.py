"""The one verb: run a recipe on a source, in a store, over a `map`.

    made = run(recipe(), "web-raw", store=Store("koba-store"), map=ray_map(), tag="web-sample")
    made.manifest.id

A recipe is cut after each dear stage and around each selection. Each part ends in a manifest of its own, whose parent
is the one before, so that an edited threshold starts from the last part that did not change. What was made before is
found in the action cache: running again after a crash, or with one more file, are the same thing.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from manifests import canonical, ledger
from manifests.changes import recipe_changes
from manifests.commit import Draft, commit, in_threads
from manifests.damage import warnings
from manifests.errors import BadRecipe, BadSource, Damaged, NotFound
from manifests.lineage import recipe_steps
from manifests.manifest import Ledger, Manifest
from manifests.masking import Masked, Masking, shares
from manifests.run_record import made_where
from manifests.stage import Map, Recipe, Selection, Stage, Step
from manifests.store import Ref, Store
from manifests.transform import Result, Source, Transform, Unit
from manifests.view import Slice, View
from manifests.watcher import Silent, Watcher

Check: TypeAlias = Callable[[Store, Manifest], None]  # raises where a version may not go out
MAX_UNITS_TIMED = 1_000  # whose times a record keeps one by one: enough to tell how much they differ


@dataclass(frozen=True)
class Run:
    """What a run made."""

    manifest: Manifest
    ref: Ref | None
    made: int  # units of work
    reused: int  # units found in the action cache
    seconds: float


def run(
    recipe: Recipe,
    source: Source | str,
    *,
    store: Store,
    map: Map = map,
    tag: str | None = None,
    limit: int | None = None,
    watcher: Watcher | None = None,
    checks: Sequence[Check] = (),
    notes: Callable[[], Mapping[str, Any]] | None = None,
) -> Run:
    """Make the dataset that `recipe` describes from `source`: files of a crawl, or a dataset's name or id.

    `map` runs a function over units, here or on other machines. `limit` stops after so many rows of the source.
    `checks` look at what was made before it gets its name, and `notes` says what else the record of the run holds.
    Raises Incomplete where a shard is missing after all retries; what is done is kept for the next run.
    """
    if getattr(map, "distributed", False) and not store.shared:
        raise BadRecipe(f"{store.url} lives in this process only; other workers cannot see it: use a folder or s3://")
    started, clock = datetime.now(UTC), time.perf_counter()
    recipe = recipe.resolve(store)
    job = _Job(store, map, watcher or Silent(), limit)
    job.announce(recipe, source, tag)
    manifest = job.make(recipe, source)
    for check in checks:
        check(store, manifest)
    ref = _version(store, tag, manifest.id) if tag else None
    seconds = time.perf_counter() - clock
    record = made_where(manifest, started, seconds) | job.notes | dict(notes() if notes else {})
    record |= {"recipe": recipe.name, "ref": str(ref or ""), "limit": limit}
    store.put_run(f"{started:%Y%m%dT%H%M%S.%f}-{manifest.id[:12]}", record)
    return Run(manifest, ref, job.made, job.reused, seconds)


class _Job:
    def __init__(self, store: Store, map: Map, watcher: Watcher, limit: int | None) -> None:
        self.store, self.map, self.watcher, self.limit = store, map, watcher, limit
        self.made = self.reused = 0
        self.notes: dict[str, Any] = {"parts": [], "warnings": [], "notes": []}

    def announce(self, recipe: Recipe, source: Source | str, tag: str | None) -> None:
        """Say what moved since the last version of this name, before anything is made again."""
        head = self.store.head(tag) if tag else None
        if head:
            try:
                old = recipe_steps(self.store, self.store.manifest(head.manifest))
            except (Damaged, NotFound) as error:
                self.watcher.say(f"{head} cannot be compared with: {error}")
                return
            new = recipe_steps(self.store, self.store.manifest(source)) if isinstance(source, str) else []
            new += json.loads(canonical.encode(recipe.steps))
            for change in recipe_changes(old, new):
                self.watcher.say(f"{change} (since {head})")

    def make(self, recipe: Recipe, source: Source | str) -> Manifest:
        given = self.store.manifest(source) if isinstance(source, str) else source
        manifest = given if isinstance(given, Manifest) else None
        steps: list[Step] = []
        for part in _parts(recipe.steps):
            steps += part
            fingerprint, clock = canonical.digest(steps), time.perf_counter()
            if len(part) == 1 and isinstance(part[0], Selection):
                if manifest is None:
                    raise BadRecipe(f"{recipe.name}: {part[0].title} selects among stored rows; put a stage first")
                manifest = self._select(part[0], manifest, fingerprint)
            else:
                stages = tuple(step for step in part if isinstance(step, Stage))
                manifest = self._transform(stages, manifest or given, fingerprint)
                self.limit = None
            self.notes["parts"][-1]["wall_s"] = round(time.perf_counter() - clock, 3)
        if manifest is None:
            return self._transform((), given, canonical.digest([]))
        return manifest

    def _transform(self, stages: tuple[Stage, ...], source: Manifest | Source, fingerprint: str) -> Manifest:
        stored = isinstance(source, Manifest)
        units = list(View(self.store, source).slices if isinstance(source, Manifest) else source.units(self.store))
        if not units and not stored:
            raise BadSource("the source holds no files; give at least one")
        work = Transform(self.store, stages, self.store.forgotten())
        title = " → ".join(stage.title for stage in stages) or "Import"
        results = self._results(work, units, title)
        kinds = {result.kind for result in results if result.kind}
        if len(kinds) > 1:
            raise BadRecipe(f"{title} made rows of several kinds ({', '.join(sorted(kinds))}); a dataset holds one")
        counts = tuple(ledger.Counts() for _ in range(len(stages) + 1))
        for result in results:
            ledger.add_counts(counts, result.counts)
        entries = tuple(entry for result in results for entry in result.entries)
        if not entries and (counts[0].rows_in or not stored):  # else an earlier step has said so
            self._warn(f"{title} kept none of {counts[0].rows_in} rows: {ledger.top_reasons(counts)}")
        self._warn(*warnings(result.damage for result in results))
        if not isinstance(source, Manifest):
            self.notes["locations"] = source.locations()
        return commit(
            self.store,
            Draft(
                kind=kinds.pop() if kinds else source.kind if isinstance(source, Manifest) else "document",
                entries=entries,
                steps=stages,
                counts=counts,
                fingerprint=fingerprint,
                ledger=Ledger(
                    values=tuple(result.values for result in results),
                    decisions=tuple(result.decisions for result in results),
                ),
                parents=(source.id,) if isinstance(source, Manifest) else (),
                sources=() if isinstance(source, Manifest) else source.records(),
            ),
        )

    def _results(self, work: Transform, units: Sequence[Unit], title: str) -> list[Result]:
        if self.limit is not None:
            return self._limited(work, units, title, self.limit)
        found = in_threads(work.find, units)
        missing = [unit for unit, result in zip(units, found, strict=True) if result is None]
        self._begin(title, len(units), len(units) - len(missing))
        fresh = iter(self._watched(self.map(work, missing)))
        return [result if result is not None else next(fresh) for result in found]

    def _limited(self, work: Transform, units: Sequence[Unit], title: str, limit: int) -> list[Result]:
        """Work through the units in order until the limit is reached: how much a file holds is known only then."""
        slices = [unit for unit in units if isinstance(unit, Slice)]
        if len(slices) == len(units):
            return self._limited_slices(work, slices, title, limit)
        results: list[Result] = []
        self._begin(title, 1, 0)
        for unit in units:
            part = Transform(work.store, work.stages, work.forgotten, limit)
            results += self._watched([part.find(unit) or part(unit)])
            limit -= results[-1].counts[0]["rows_in"]
            if limit <= 0:
                break
        return results

    def _limited_slices(self, work: Transform, slices: Sequence[Slice], title: str, limit: int) -> list[Result]:
        """Work on so many stored rows, all shards at once. A shard that is read whole is made as without a limit."""
        items: list[tuple[Transform, Slice]] = []
        for part in slices:
            if limit > 0:
                whole = part.entry.rows <= limit
                items.append((work if whole else replace(work, limit=limit), part))
                limit -= part.entry.rows
        found = [part_work.find(part) for part_work, part in items]
        missing = [item for item, result in zip(items, found, strict=True) if result is None]
        self._begin(title, len(items), len(items) - len(missing))
        fresh = iter(self._watched(self.map(_work, missing)))
        return [result if result is not None else next(fresh) for result in found]

    def _select(self, selection: Selection, manifest: Manifest, fingerprint: str) -> Manifest:
        title = selection.title
        key = canonical.digest({"selection": selection, "input": manifest.id})
        record = self.store.action(key)
        if record and self.store.files.size(f"manifests/{record['result']['manifest']}.json") is not None:
            self._begin(title, len(manifest.entries), len(manifest.entries))
            return self.store.manifest(record["result"]["manifest"])
        view = View(self.store, manifest)
        self._begin(title, len(view.slices), 0)
        selected = selection.select(view, self.map)
        self._warn(*selected.warnings)
        self._note(*selected.notes)
        masked: list[Masked] = list(self._watched(self.map(Masking(selection, selected.each), shares(view, selected))))
        counts = (ledger.Counts(), ledger.Counts())
        for part in masked:
            ledger.add_counts(counts, part.counts)
        made = commit(
            self.store,
            Draft(
                kind=manifest.kind,
                entries=tuple(part.entry for part in masked),
                steps=(selection,),
                counts=counts,
                fingerprint=fingerprint,
                ledger=Ledger(
                    values=tuple(part.values for part in masked),
                    decisions=tuple(part.decisions for part in masked),
                ),
                parents=(manifest.id,),
            ),
        )
        needs = [digest for part in masked for digest in (part.entry.shard, part.values, part.decisions)]
        self.store.put_action(key, {"manifest": made.id}, makes=[], needs=needs)
        return made

    def _begin(self, title: str, units: int, reused: int) -> None:
        self.reused += reused
        part = {"title": title, "units": units, "reused": reused, "seconds": [], "unit_seconds": [], "peak_bytes": 0}
        self.notes["parts"].append(part)
        self.watcher.part(title, units, reused)

    def _watched(self, results: Iterable[Any]) -> Iterable[Any]:
        part = self.notes["parts"][-1]
        for result in results:
            self.made += 1
            if seconds := getattr(result, "seconds", []):  # none where it was found in the cache after all
                part["seconds"] = [
                    round(a + b, 3) for a, b in zip(part["seconds"] or [0.0] * len(seconds), seconds, strict=True)
                ]
                part["unit_seconds"] = [*part["unit_seconds"], round(sum(seconds), 3)][:MAX_UNITS_TIMED]
                part["peak_bytes"] = max(part["peak_bytes"], result.peak_bytes)
            self.watcher.unit(result.counts[0]["rows_in"], sum(entry.rows for entry in _entries(result)))
            yield result

    def _warn(self, *texts: str) -> None:
        self.notes["warnings"] += texts
        for text in texts:
            self.watcher.say(f"warning: {text}")

    def _note(self, *texts: str) -> None:
        self.notes["notes"] += texts
        for text in texts:
            self.watcher.say(text)


def _version(store: Store, name: str, manifest_id: str) -> Ref:
    """Return the version of a name that a manifest is already, or make it the next one."""
    known = [ref for ref in store.history(name) if ref.manifest == manifest_id]
    return known[-1] if known else store.tag(name, manifest_id)


def _work(item: tuple[Transform, Unit]) -> Result:
    work, unit = item
    return work(unit)


def _entries(result: Result | Masked) -> Sequence[Any]:
    return result.entries if isinstance(result, Result) else [result.entry]


def _parts(steps: Sequence[Step]) -> list[list[Step]]:
    """Cut a recipe after each dear stage and around each selection."""
    parts: list[list[Step]] = [[]]
    for step in steps:
        if isinstance(step, Selection):
            parts += [[step], []]
        else:
            parts[-1].append(step)
            if step.dear:
                parts.append([])
    return [part for part in parts if part]
