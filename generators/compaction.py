"""Many small files of calls become few.

    put_together(store, "calls/<scope>", sizes)

The new file is written first, and only then the old ones are removed: a kill at any moment leaves every call in one
file or more, a full disk leaves all as it was, and a reader whose file went finds its calls in the new one. Two workers
that put the same files together write the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa

from generators.engine import Reply
from manifests import canonical, shard
from manifests.errors import Damaged
from manifests.store import Store

MOST_SMALL = 64  # files of a scope: five minutes of batches
SMALL_BYTES = 2**23
MERGED_BYTES = 2**24  # at the most; a call that is looked up is read with its whole file


def put_together(store: Store, folder: str, sizes: Mapping[str, int]) -> None:
    """Write the calls of files, given with their sizes in bytes, as few: those of one time stay side by side.

    Raises StoreFailed, Damaged.
    """
    try:
        ages = {key: store.files.age_s(key) for key in sizes}
        for group in _groups(sorted(sizes, key=lambda key: (-ages[key], key)), sizes):
            _merge(store, folder, group)
    except FileNotFoundError:
        return  # another worker is at it


def listed(store: Store, folder: str) -> list[str]:
    """Return the files of a folder: what was written before a file went is among them."""
    present = list(store.files.keys(folder))
    # A listing is no snapshot: it can miss a new file, and the old ones that were removed for it a moment later.
    while (again := list(store.files.keys(folder))) != present:
        present = again
    return present


def read_calls(store: Store, key: str) -> tuple[pa.Table, int]:
    """Return the calls of a file and its size in bytes. Raises Damaged, and FileNotFoundError where it went."""
    data = store.files.read(key)
    if key != file_key(key.rpartition("/")[0], data):
        raise Damaged(
            f"{store.url}: {key} has the digest {canonical.sha256(data)[:16]}..., its name says otherwise: the file "
            "was changed or its disk is failing. Restore it from a copy, or delete it: its calls are then made again"
        )
    return shard.read_parquet(data), len(data)


def file_key(folder: str, data: bytes) -> str:
    """Return the key of a file of calls: its name is the digest of its bytes."""
    return f"{folder}/{canonical.sha256(data)}.parquet"


def rank(reply: Reply) -> bytes:
    """Return what decides between the replies of two workers that paid for one call at the same time: the least."""
    return msgspec.json.encode(reply)


def _groups(keys: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    for key in keys:
        if group and sum(sizes[one] for one in group) + sizes[key] > MERGED_BYTES:
            yield group
            group = []
        group.append(key)
    yield group


def _merge(store: Store, folder: str, keys: Sequence[str]) -> None:
    table = _unique(pa.concat_tables([read_calls(store, key)[0] for key in keys]))
    data = shard.write_parquet(table, incompressible=("key",))
    made = file_key(folder, data)
    if not store.files.create(made, data):
        read_calls(store, made)  # it was there: is it whole?
    for key in keys:
        if key != made:
            store.files.delete(key)


def _unique(table: pa.Table) -> pa.Table:
    places: dict[bytes, list[int]] = {}
    for place, key in enumerate(table["key"].to_pylist()):
        places.setdefault(key, []).append(place)
    if len(places) == len(table):
        return table

    def ranked(place: int) -> bytes:
        [found] = table.slice(place, 1).drop_columns("key").to_pylist()
        return rank(Reply(**found))

    return table.take(pa.array([at[0] if len(at) == 1 else min(at, key=ranked) for at in places.values()]))
