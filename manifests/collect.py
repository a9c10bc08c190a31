"""Garbage collection: what no name leads to any more.

    gc(store).garbage           # a dry run: the keys that would go, in the order in which they would go
    gc(store, delete=True)

Live is all that the refs of all versions lead to: manifests, their ancestors, and the objects that these name. A record
of the action cache lives while everything it needs is live, and what it makes (a side table) lives with it. Nothing
younger than the grace time is touched, for a running job may be about to name it: a young manifest or record keeps all
that it speaks of.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.commit import in_threads
from manifests.errors import Damaged, NotFound
from manifests.files import Files
from manifests.manifest import FILE_SUFFIX, TOKENIZER_SUFFIX, WORD_LIST_SUFFIX, Manifest
from manifests.objects import GRACE_S, is_digest
from manifests.records import unseal
from manifests.store import Ref, Store

OBJECT = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[a-z0-9]+)")  # the second group is the digest
MANIFEST = re.compile(r"manifests/([0-9a-f]{64})\.json")
_ACTION = re.compile(r"actions/([0-9a-f]{2})/\1[0-9a-f]{62}\.json")
_KEPT = re.compile(r"refs/.+/[0-9]+\.json|forgotten/[0-9a-f]{32}\.json|runs/[^/]+\.json|calls/.+")
_NAMED = {"tokenizer": TOKENIZER_SUFFIX, "word_list": WORD_LIST_SUFFIX}  # suffix, by the field that has the digest


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection found."""

    kept: int  # keys that are in use, or younger than the grace time
    garbage: tuple[str, ...]  # keys: cached actions first, then manifests, then objects
    size_bytes: int  # of the garbage
    foreign: tuple[str, ...]  # keys that no store writes; they are never deleted
    deleted: bool


def gc(store: Store, *, grace_s: float = GRACE_S, delete: bool = False) -> Collected:
    """Find what nothing needs, and with `delete` remove it.

    Raises Damaged or NotFound where a name leads to something unreadable: what that needs cannot be known, so nothing
    is collected.
    """
    marks = _Marks(store, grace_s)
    while delete and marks.moved():
        marks = _Marks(store, grace_s)
    garbage = marks.garbage()
    sizes = in_threads(lambda key: store.files.size(key) or 0, garbage)
    if delete:
        # A kill between two of them leaves nothing that names what is gone.
        for key in garbage:
            store.files.delete(key)
    kept = len(marks.keys) - len(set(garbage) & set(marks.keys)) - len(marks.foreign)
    return Collected(kept, tuple(garbage), sum(sizes), tuple(marks.foreign), delete)


def objects_of(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield digest and suffix of each object that a manifest names."""
    for entry in manifest.entries:
        yield entry.shard, ".parquet"
        if entry.mask:
            yield entry.mask, ".roaring"
    for digest in (*manifest.ledger.values, *manifest.ledger.decisions, *(part.object for part in manifest.index)):
        yield digest, ".parquet"
    for file in manifest.files:
        yield file.digest, FILE_SUFFIX
    for step in manifest.steps:
        yield from _named(step.describe)


def _named(described: Any) -> Iterator[tuple[str, str]]:
    """Yield digest and suffix of the tokenizers and word lists that a step names, or one inside it."""
    if isinstance(described, Mapping):
        for name, value in described.items():
            if name in _NAMED and is_digest(value):
                yield value, _NAMED[name]
            else:
                yield from _named(value)
    elif isinstance(described, list):
        for value in described:
            yield from _named(value)


def children_first(manifests: Mapping[str, Manifest]) -> list[str]:
    """Return the ids of manifests in an order in which none comes after its parents."""
    order: dict[str, None] = {}

    def visit(manifest_id: str) -> None:
        if manifest_id in manifests and manifest_id not in order:
            for parent in manifests[manifest_id].parents:
                visit(parent)
            order[manifest_id] = None

    for manifest_id in sorted(manifests):
        visit(manifest_id)
    return list(order)[::-1]


def action_record(files: Files, key: str) -> dict[str, Any] | None:
    """Return the record of the action cache under a key of the store, or None where it is damaged or gone."""
    try:
        record = unseal(files.read(key), key)
        return record if isinstance(record["makes"], list) and isinstance(record["needs"], list) else None
    except (FileNotFoundError, KeyError, Damaged):
        return None


def made_manifest(record: Mapping[str, Any]) -> str | None:
    """Return the id of the manifest that an action made, where it made one."""
    result = record.get("result")
    made = result.get("manifest") if isinstance(result, Mapping) else None
    return made if isinstance(made, str) else None


class _Marks:
    """What is live at one moment."""

    def __init__(self, store: Store, grace_s: float) -> None:
        self.store, self.grace_s = store, grace_s
        self.refs: list[Ref] = store.refs()
        self.keys = list(store.files.keys(""))
        self.leftovers = list(store.files.leftovers())
        self.objects = {key: match[2] for key in self.keys if (match := OBJECT.fullmatch(key))}
        self.manifests = {match[1]: key for key in self.keys if (match := MANIFEST.fullmatch(key))}
        self.actions = [key for key in self.keys if _ACTION.fullmatch(key)]
        known = {*self.objects, *self.manifests.values(), *self.actions, *self.leftovers}
        self.foreign = [key for key in self.keys if key not in known and not _KEPT.fullmatch(key)]
        self.live_manifests: set[str] = set()
        self.live: set[str] = set()  # digests of objects
        self.live_actions: set[str] = set()
        self._mark()

    def moved(self) -> bool:
        """Tell whether a name or a cached action came to life since: then what is garbage may have changed."""
        return self.store.refs() != self.refs or bool(self._young(set(self.actions) - self.live_actions))

    def garbage(self) -> list[str]:
        """Return the keys to delete, in an order that leaves nothing dangling."""
        actions = sorted(set(self.actions) - self.live_actions)
        dead = {one: self.manifests[one] for one in self.manifests if one not in self.live_manifests}
        young = self._young([*dead.values(), *(key for key, digest in self.objects.items() if digest not in self.live)])
        dead = {one: key for one, key in dead.items() if key not in young}
        readable = {one: manifest for one in dead if (manifest := self._read(one))}
        ordered = [one for one in dead if one not in readable] + children_first(readable)
        objects = [key for key, digest in self.objects.items() if digest not in self.live and key not in young]
        leftovers = sorted(set(self.leftovers) - self._young(self.leftovers))
        return [*actions, *(dead[one] for one in ordered), *objects, *leftovers]

    def _mark(self) -> None:
        for target in sorted({ref.manifest for ref in self.refs}):
            self._reach(target)
        young = self._young([key for one, key in self.manifests.items() if one not in self.live_manifests])
        for one, key in self.manifests.items():
            if key in young:
                self._spare(one)
        records = {key: record for key in self.actions if (record := action_record(self.store.files, key))}
        self.live_actions = self._young(self.actions)
        for key in self.live_actions & set(records):
            self.live.update(records[key]["makes"], records[key]["needs"])
            self._spare(made_manifest(records[key]))
        self._mark_actions(records)

    def _mark_actions(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Follow what records make to the records that need it, until nothing is added."""
        found = True
        while found:
            found = False
            for key, record in records.items():
                if key not in self.live_actions and self.live.issuperset(record["needs"]):
                    self.live_actions.add(key)
                    self.live.update(record["makes"])
                    found = True

    def _reach(self, manifest_id: str) -> None:
        """Mark a manifest that has to be there, with its ancestors."""
        waiting = [manifest_id]
        while waiting:
            one = waiting.pop()
            if one in self.live_manifests:
                continue
            try:
                manifest = self.store.manifest(one)
            except (NotFound, Damaged) as error:
                raise type(error)(f"{error}. Nothing is collected before that is mended: see `koba fsck`") from error
            self._keep(one, manifest)
            waiting += manifest.parents

    def _spare(self, manifest_id: str | None) -> None:
        """Mark a manifest that no name leads to, with as many of its ancestors as there are."""
        if manifest_id is None or manifest_id not in self.manifests or manifest_id in self.live_manifests:
            return
        self.live_manifests.add(manifest_id)
        manifest = self._read(manifest_id)
        if manifest:
            self._keep(manifest_id, manifest)
            for parent in manifest.parents:
                self._spare(parent)

    def _keep(self, manifest_id: str, manifest: Manifest) -> None:
        self.live_manifests.add(manifest_id)
        self.live.update(digest for digest, _ in objects_of(manifest))
        for digest in (*manifest.models.values(), *manifest.prompts.values()):
            self.live.add(digest)
            self._spare(digest)

    def _read(self, manifest_id: str) -> Manifest | None:
        try:
            return self.store.manifest(manifest_id)
        except (NotFound, Damaged):
            return None

    def _young(self, keys: Iterable[str]) -> set[str]:
        """Return those keys that are younger than the grace time."""

        def young(key: str) -> bool:
            try:
                return self.store.files.age_s(key) < self.grace_s
            except FileNotFoundError:
                return False

        keys = list(keys)
        return {key for key, is_young in zip(keys, in_threads(young, keys), strict=True) if is_young}
