"""Where objects, manifests and names live: a folder, or any fsspec URL.

    objects/aa/<digest>.parquet    immutable, named by the SHA-256 of their bytes (masks: .roaring, models: .file)
    manifests/<id>.json            immutable, canonical JSON, named likewise
    refs/<name>/<n>.json           version n of a name; n + 1 is created exclusively, so writers never overwrite
    actions/aa/<key>.json          what was made from what; a cache, see `manifests.collect`
    forgotten/<row id>.json        rows that were taken down and must not come back
    runs/<time>-<id>.json          when, where and how long: everything that is not identity

A store can be moved or copied whole: all keys are relative. What is not named by its digest carries one inside.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from manifests.errors import Ambiguous, BadRecipe, Conflict, Damaged, NotFound, StoreFailed
from manifests.manifest import Manifest, read_manifest
from manifests.objects import GRACE_S, Objects, is_digest, object_key
from manifests.records import seal, unseal
from manifests.rows import ID_BYTES

MIN_PREFIX = 4  # hex digits of an id that people may shorten it to
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_HEX = re.compile(r"[0-9a-f]+")
_REF = re.compile(r"refs/(.+)/([1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True)
class Ref:
    """Version `number` of a name, and the manifest it stands for."""

    name: str
    number: int
    manifest: str

    def __str__(self) -> str:
        return f"{self.name}@{self.number}"


class Store(Objects):
    """Objects, manifests and refs below one URL.

        store = Store("koba-store")
        store.manifest("web-sample@1")

    Pickles as its URL, so that it can be handed to workers.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return (_reopen, (self.url, self.options))

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    @property
    def shared(self) -> bool:
        """Whether another process that opens the same URL sees the same store."""
        return not self.url.startswith("memory://")

    # Manifests

    def put_manifest(self, manifest: Manifest) -> str:
        """Store a manifest whose objects are all stored, and return its id. A damaged one is written anew."""
        body = manifest.body()
        manifest_id = hashlib.sha256(body).hexdigest()
        key = f"manifests/{manifest_id}.json"
        if not self.files.create(key, body):
            if self.files.read(key) != body:
                self.files.overwrite(key, body)
            elif self.files.age_s(key) > GRACE_S / 4:
                self.files.touch(key, body)
        return manifest_id

    def manifest(self, name: str) -> Manifest:
        """Return the manifest behind a name, `name@n`, an id or a prefix of one."""
        manifest_id = self.resolve(name)
        key = f"manifests/{manifest_id}.json"
        try:
            body = self.files.read(key)
        except FileNotFoundError as error:
            raise NotFound(f"{self.url}: {name} is manifest {manifest_id[:16]}..., but {key} is missing") from error
        if hashlib.sha256(body).hexdigest() != manifest_id:
            raise Damaged(f"{self.url}: {key} was changed: its bytes do not hash to its name. Restore it from a copy")
        return read_manifest(body, manifest_id)

    def manifest_ids(self) -> Iterator[str]:
        """Yield the id of every manifest in the store."""
        for key in self.files.keys("manifests"):
            yield key.removeprefix("manifests/").removesuffix(".json")

    def resolve(self, name: str) -> str:
        """Return the manifest id that a name, `name@n`, id or id prefix stands for. Raises NotFound, Ambiguous."""
        base, _, number = name.partition("@")
        if is_digest(name):
            return name  # never a name: nobody can put another dataset in the place of an id
        if _NAME.fullmatch(base):
            if number:
                return self._version(base, number).manifest
            if head := self.head(base):
                return head.manifest
        if not number and _HEX.fullmatch(base):
            return self._by_prefix(base)
        known = ", ".join(sorted({ref.name for ref in self.refs()})) or "none yet"
        raise NotFound(
            f"{self.url}: there is no dataset {name!r}; expected a name ({known}), name@version or a manifest id"
        )

    def _by_prefix(self, prefix: str) -> str:
        if len(prefix) < MIN_PREFIX:
            raise NotFound(
                f"{self.url}: {prefix!r} is too short for an id; give {MIN_PREFIX} digits or more, or a name"
            )
        found = [manifest_id for manifest_id in self.manifest_ids() if manifest_id.startswith(prefix)]
        if not found:
            raise NotFound(f"{self.url}: no manifest id starts with {prefix!r}; `koba ls` shows what there is")
        if len(found) > 1:
            shown = ", ".join(manifest_id[: len(prefix) + 8] for manifest_id in found[:4])
            raise Ambiguous(
                f"{self.url}: {len(found)} manifest ids start with {prefix!r} ({shown}, ...); give more digits"
            )
        return found[0]

    # Refs

    def tag(self, name: str, manifest_id: str, retries: int = 100) -> Ref:
        """Make a manifest the next version of a name; the same manifest again makes no new version."""
        if not _NAME.fullmatch(name):
            raise BadRecipe(
                f"{name!r} cannot be a dataset's name; use lower-case letters, digits, '.', '_', '-' and '/'"
            )
        body = seal({"manifest": manifest_id, "time": datetime.now(UTC).isoformat(timespec="seconds")})
        for _ in range(retries):
            head = self.head(name)
            if head and head.manifest == manifest_id:
                return head
            number = head.number + 1 if head else 1
            if self.files.create(f"refs/{name}/{number}.json", body):
                return Ref(name, number, manifest_id)
        raise Conflict(f"{self.url}: {name} was moved by others {retries} times while we tried to; try again later")

    def redirect(self, ref: Ref, manifest_id: str) -> None:
        """Let an existing version stand for a rewritten manifest; its time stays. Only a takedown does this."""
        key = f"refs/{ref.name}/{ref.number}.json"
        self.files.overwrite(key, seal(unseal(self.files.read(key), key) | {"manifest": manifest_id}))

    def head(self, name: str) -> Ref | None:
        """Return the newest version of a name, or None."""
        history = self.history(name)
        return history[-1] if history else None

    def history(self, name: str) -> list[Ref]:
        """Return all versions of a name, oldest first."""
        return [ref for ref in self.refs(name) if ref.name == name]

    def refs(self, below: str = "") -> list[Ref]:
        """Return all versions of all names, in the order of names and numbers."""
        found = [self.ref(key) for key in self.files.keys(f"refs/{below}".rstrip("/"))]
        return sorted(found, key=lambda ref: (ref.name, ref.number))

    def ref(self, key: str) -> Ref:
        """Return the version of a name that is stored under a key. Raises Damaged."""
        name = _REF.fullmatch(key)
        if not name or not _NAME.fullmatch(name[1]):
            raise Damaged(f"{self.url}: {key} is not a ref, which are refs/<name>/<number>.json; move it elsewhere")
        target = unseal(self.files.read(key), f"{self.url}: {key}").get("manifest")
        if not is_digest(target):
            raise Damaged(f"{self.url}: {key} points to {target!r:.80}, which is no manifest id")
        return Ref(name[1], int(name[2]), str(target))

    def _version(self, name: str, number: str) -> Ref:
        key = f"refs/{name}/{number}.json"
        if not _REF.fullmatch(key) or self.files.size(key) is None:
            known = [str(ref.number) for ref in self.history(name)]
            raise NotFound(f"{self.url}: {name} has no version {number!r}; it has {', '.join(known) or 'none'}")
        return self.ref(key)

    # The action cache and the records of runs

    def action(self, key: str) -> dict[str, Any] | None:
        """Return what is remembered under an action key; None where a record or an object that it makes is missing."""
        path = _action_key(key)
        try:
            data = self.files.read(path)
            record = unseal(data, path)
            makes = [object_key(digest) for digest in record["makes"]]
        except (FileNotFoundError, KeyError, TypeError, Damaged):
            return None
        if record.get("key") != key or any(self.files.size(made) is None for made in makes):
            return None
        if self.files.age_s(path) > GRACE_S / 4:
            with suppress(OSError, StoreFailed):  # who may only read this store has nothing to protect from `gc`
                self.files.touch(path, data)
        return record

    def put_action(
        self, key: str, result: Mapping[str, Any], *, makes: Sequence[str], needs: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Remember a result and the digests of the objects it `makes`, which are stored already.

        `gc` forgets it when an object that it `needs` (or, without those, that it makes) is part of no manifest.
        """
        record = {"key": key, "result": result, "makes": list(makes), "needs": list(needs or makes)}
        self.files.overwrite(_action_key(key), seal(record))
        return record

    def forgotten(self) -> frozenset[bytes]:
        """Return the ids of rows that must never be made again, see `manifests.forget`. Raises Damaged."""
        keys = list(self.files.keys("forgotten"))
        ids = [key.removeprefix("forgotten/").removesuffix(".json") for key in keys]
        for key, row_id in zip(keys, ids, strict=True):
            if len(row_id) != 2 * ID_BYTES or not _HEX.fullmatch(row_id):
                raise Damaged(f"{self.url}: {key} names no row id; move it elsewhere")
        return frozenset([bytes.fromhex(row_id) for row_id in ids])

    def put_run(self, name: str, record: Mapping[str, Any]) -> None:
        """Write down how a run went."""
        self.files.overwrite(f"runs/{name}.json", seal(record))

    def runs(self) -> Iterator[dict[str, Any]]:
        """Yield the records of all runs, oldest first."""
        for key in self.files.keys("runs"):
            if key.endswith(".json"):
                yield unseal(self.files.read(key), f"{self.url}: {key}")


def _action_key(key: str) -> str:
    return f"actions/{key[:2]}/{key}.json"


def _reopen(url: str, options: dict[str, Any]) -> Store:
    return Store(url, **options)
