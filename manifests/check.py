"""Whether a store is whole: every name, manifest and object is there and says the truth.

    for problem in fsck(store, deep=True):
        print(problem)

The quick look asks whether everything that is named exists, in its right size. The deep one reads every byte again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from manifests import canonical, shard
from manifests.collect import MANIFEST, OBJECT, action_record, made_manifest, objects_of
from manifests.commit import bucket_bits, in_threads, read_index
from manifests.consistency import Consistency
from manifests.errors import Damaged, KobaError, NotFound
from manifests.manifest import FILE_SUFFIX, Manifest
from manifests.objects import object_key
from manifests.records import unseal
from manifests.store import Ref, Store

_RECORD = re.compile(r"actions/[0-9a-f]{2}/[0-9a-f]{64}\.json|runs/[^/]+\.json|forgotten/[0-9a-f]{32}\.json")
_CALLS = re.compile(r"calls/.+/([0-9a-f]{64})\.parquet")
_RESTORE = "restore it from a copy of the store"
_AGAIN = "run the command that made it again, after `koba fsck --repair`; or restore it from a copy"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be."""

    key: str  # of the store
    what: str
    remedy: str
    refs: tuple[str, ...] = ()  # versions that cannot be read or trusted because of it
    repaired: bool = False  # what was damaged is removed, so that it can be made again

    def __str__(self) -> str:
        hit = f" (hits {', '.join(self.refs)})" if self.refs else ""
        return f"{self.key}: {self.what}{hit}; {'removed: ' if self.repaired else ''}{self.remedy}"


def fsck(store: Store, *, deep: bool = False, repair: bool = False) -> list[Problem]:
    """Return what is wrong with a store; an empty list where it is whole.

    `repair`, which looks deep, removes damaged objects, and of the action cache what speaks of damaged or missing ones:
    then the command that made them makes them again. Nothing else is ever removed.
    """
    look = _Look(store)
    look.at_refs()
    look.at_manifests()
    look.at_objects()
    if deep or repair:
        look.at_bytes()
        look.at_records()
        look.at_calls()
        look.at_rows()
        look.at_forgotten()
    if repair:
        look.repair()
    return look.problems


class _Look:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.problems: list[Problem] = []
        self.refs: list[Ref] = []
        self.manifests: dict[str, Manifest] = {}
        self.unreadable: dict[str, str] = {}  # ids of manifests, and why
        self.missing: set[str] = set()  # digests of objects
        self.damaged: dict[str, str] = {}  # key of an object: its digest
        self.bad_actions: list[str] = []
        self._hit: Mapping[str, frozenset[str]] = {}
        self._users: dict[str, set[str]] = {}  # of each object: the ids of the manifests that name it

    def at_refs(self) -> None:
        for key in self.store.files.keys("refs"):
            try:
                self.refs.append(self.store.ref(key))
            except Damaged as error:
                self._add(key, _inner(error, key), f"{_RESTORE}, or delete it and `koba tag` the version again")

    def at_manifests(self) -> None:
        """Read every manifest, and find those that a name or a child misses."""
        ids = [match[1] for key in self.store.files.keys("manifests") if (match := MANIFEST.fullmatch(key))]
        for one, read in zip(ids, in_threads(self._read, ids), strict=True):
            if isinstance(read, Manifest):
                self.manifests[one] = read
            else:
                self.unreadable[one] = read
        named = {ref.manifest: f"{ref} stands for it" for ref in self.refs}
        named |= {parent: f"it is a parent of {one[:16]}" for one, m in self.manifests.items() for parent in m.parents}
        self._hit = self._hits()
        self.unreadable |= {one: f"is missing, but {named[one]}" for one in sorted(set(named) - set(ids))}
        for one, flaw in self.unreadable.items():
            self._add(f"manifests/{one}.json", flaw, _AGAIN, {one})

    def at_objects(self) -> None:
        """Ask whether every object that a manifest names exists, and a shard or file in its right size."""
        expected: dict[tuple[str, str], int | None] = {}
        for one, manifest in self.manifests.items():
            for named in objects_of(manifest):
                expected.setdefault(named)
                self._users.setdefault(named[0], set()).add(one)
            expected |= {(entry.shard, ".parquet"): entry.size for entry in manifest.entries}
            expected |= {(file.digest, FILE_SUFFIX): file.size for file in manifest.files}
        keys = [object_key(*one) for one in expected]
        sizes = in_threads(self.store.files.size, keys)
        for (digest, _), key, size, wanted in zip(expected, keys, sizes, expected.values(), strict=True):
            if size is None:
                self.missing.add(digest)
                self._add(key, "is missing", _AGAIN, self._users[digest])
            elif wanted is not None and size != wanted:
                self._add(key, f"has {size} bytes, expected {wanted}", _AGAIN, self._users[digest])

    def at_bytes(self) -> None:
        """Read every object, whether it is named or not."""
        matches = [match for key in self.store.files.keys("objects") if (match := OBJECT.fullmatch(key))]
        told = {problem.key for problem in self.problems}
        for match, flaw in zip(matches, in_threads(self._flaw, matches), strict=True):
            if flaw:
                self.damaged[match[0]] = match[2]
                if match[0] not in told:
                    self._add(match[0], flaw, _AGAIN, self._users.get(match[2], ()))

    def at_records(self) -> None:
        for folder in ("actions", "runs", "forgotten"):
            for key in filter(_RECORD.fullmatch, self.store.files.keys(folder)):
                try:
                    unseal(self.store.files.read(key), key)
                except Damaged as error:
                    cached = folder == "actions"
                    self.bad_actions += [key] * cached
                    self._add(key, _inner(error, key), "it is only a cache and is made again" if cached else _RESTORE)

    def at_calls(self) -> None:
        """Read the cache of model calls. It is not repaired: what a damaged file still holds was paid for."""
        for match in filter(None, map(_CALLS.fullmatch, self.store.files.keys("calls"))):
            if canonical.sha256(self.store.files.read(match[0])) != match[1]:
                remedy = f"{_RESTORE}, or delete it: its calls are then made again"
                self._add(match[0], "its bytes do not hash to its name", remedy)

    def at_rows(self) -> None:
        """Compare each manifest whose objects are sound with what is in them."""
        consistency = Consistency(self.store)
        for one, manifest in self._sound():
            for flaw in _flaws(consistency, manifest):
                self._add(f"manifests/{one}.json", flaw, "do not trust it: make it again from its source", {one})

    def at_forgotten(self) -> None:
        """Ask whether a row that was taken down is still shown."""
        forgotten = self.store.forgotten()
        for one, manifest in self._sound():
            for row_id in _shown(self.store, manifest, forgotten) if one in self._hit else ():
                what = f"shows row {row_id.hex()}, which was taken down"
                self._add(f"manifests/{one}.json", what, f"run `koba forget {row_id.hex()}` again", {one})

    def _sound(self) -> Iterator[tuple[str, Manifest]]:
        poor = self._poor(self.missing | set(self.damaged.values()))
        for one, manifest in self.manifests.items():
            if one not in poor:
                yield one, manifest

    def _poor(self, digests: Iterable[str]) -> set[str]:
        return {one for digest in digests for one in self._users.get(digest, ())}

    def repair(self) -> None:
        """Remove damaged objects, and the cached actions that would pass for done what has to be made again."""
        lost = self.missing | set(self.damaged.values())
        poor = set(self.unreadable) | self._poor(lost)
        for key in self.store.files.keys("actions"):
            record = action_record(self.store.files, key)
            if record and (lost.intersection([*record["makes"], *record["needs"]]) or made_manifest(record) in poor):
                self.store.files.delete(key)
        for key in (*self.bad_actions, *self.damaged):
            self.store.files.delete(key)
        gone = {*self.bad_actions, *self.damaged}
        self.problems = [replace(problem, repaired=problem.key in gone) for problem in self.problems]

    def _read(self, manifest_id: str) -> Manifest | str:
        try:
            return self.store.manifest(manifest_id)
        except (Damaged, NotFound) as error:
            return _inner(error, f"manifests/{manifest_id}.json")

    def _flaw(self, match: re.Match[str]) -> str | None:
        try:
            reader = _READERS.get(match[3])
            if reader:
                reader(self.store.get(match[2], match[3]))
            else:
                self.store.verify(match[2], match[3])
        except (Damaged, NotFound) as error:
            return _inner(error, match[0])
        return None

    def _hits(self) -> Mapping[str, frozenset[str]]:
        """Return for each manifest the versions whose line it is in."""
        hits: dict[str, set[str]] = {}
        for ref in self.refs:
            waiting = [ref.manifest]
            while waiting:
                one = waiting.pop()
                if str(ref) not in hits.setdefault(one, set()):
                    hits[one].add(str(ref))
                    waiting += self.manifests[one].parents if one in self.manifests else ()
        return {one: frozenset(names) for one, names in hits.items()}

    def _add(self, key: str, what: str, remedy: str, manifests: Iterable[str] = ()) -> None:
        names = {name for one in manifests for name in self._hit.get(one, ())}
        self.problems.append(Problem(key, what, remedy, tuple(sorted(names))))


def _flaws(consistency: Consistency, manifest: Manifest) -> list[str]:
    try:
        return list(consistency.flaws(manifest))
    except KobaError as error:
        return [str(error)]


def _shown(store: Store, manifest: Manifest, ids: Iterable[bytes]) -> list[bytes]:
    """Return those ids that the index of a manifest lists."""
    bits = bucket_bits(manifest.rows)
    if len(manifest.index) != 2**bits:
        return []
    buckets: dict[int, list[bytes]] = {}
    for row_id in sorted(ids):
        buckets.setdefault(int.from_bytes(row_id[:8], "big") >> (64 - bits), []).append(row_id)
    found: list[bytes] = []
    for bucket, sought in buckets.items():
        listed = read_index(store, manifest.index[bucket], ("id",))["id"]
        wanted = pa.array(sought, listed.type)
        found += wanted.filter(pc.is_in(wanted, value_set=listed.combine_chunks())).to_pylist()
    return found


def _inner(error: KobaError, key: str) -> str:
    """Return an error's words from its key on: the key is said already."""
    return str(error).rpartition(f"{key} ")[2].partition(";")[0].partition(". Restore")[0]


_READERS: dict[str, Callable[[bytes], object]] = {".parquet": shard.read_parquet, ".roaring": shard.read_mask}
