import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import Damaged
from manifests.merge import Finder, all_ids, locate, merge
from manifests.store import Store
from tests.manifests.indexes import indexed

# Few different bytes at both ends, so that ids share prefixes, first halves and trailing zeros.
ids_ = st.builds(
    lambda first, middle, last: bytes([first, *middle, 0, last]),
    st.sampled_from([0, 1, 127, 128, 255]),
    st.sampled_from([bytes(13), b"\0" * 6 + b"\1" * 7, b"\1" * 13]),
    st.integers(0, 255),
)
versions = st.dictionaries(ids_, st.sampled_from([b"a" * 16, b"b" * 16, b"b" * 15 + b"c"]), max_size=60)


def array(items):
    return np.frombuffer(b"".join(items), np.uint8).reshape(-1, 16)


def version(store, rows, bits):
    ordered = sorted(rows)
    return indexed(store, array(ordered), array([rows[row] for row in ordered]), bits=bits)


def as_set(rows):
    return {row.tobytes() for row in rows.ids}


@given(versions, versions, st.integers(0, 4), st.integers(0, 4))
def test_a_merge_finds_what_sets_find(old, new, old_bits, new_bits):
    store = Store("memory://merge")
    found = merge(store, version(store, old, old_bits), version(store, new, new_bits))
    both = old.keys() & new.keys()
    assert as_set(found.removed) == old.keys() - new.keys()
    assert as_set(found.added) == new.keys() - old.keys()
    assert as_set(found.changed) == as_set(found.changed_from) == {row for row in both if old[row] != new[row]}
    assert found.unchanged == sum(old[row] == new[row] for row in both)


@given(versions, st.integers(0, 4), ids_)
def test_rows_are_located_by_id_or_not_at_all(rows, bits, other):
    store = Store("memory://merge")
    made = version(store, rows, bits)
    wanted = sorted({*rows, other})
    places = locate(store, made, array(wanted))
    ordered = sorted(rows)
    found = {row: place for row, place in zip(wanted, places.tolist(), strict=True) if place != [-1, -1]}
    assert found == {row: [number % 64, number // 64] for number, row in enumerate(ordered)}
    assert [row.tobytes() for row in all_ids(store, made)] == ordered


@given(versions, st.lists(ids_))
def test_ids_are_found_in_any_order_and_number(rows, wanted):
    ordered = sorted(rows)
    found = Finder(array(ordered)).find(array(wanted))
    assert found.tolist() == [ordered.index(row) if row in rows else -1 for row in wanted]


def test_the_places_of_differing_rows_are_those_of_their_own_version(tmp_path):
    store = Store(str(tmp_path))
    a, b, c = (bytes([n]) * 16 for n in (1, 2, 3))
    found = merge(store, version(store, {a: a, b: b}, 0), version(store, {b: c, c: c}, 0))
    assert found.removed.places.tolist() == [[0, 0]]
    assert found.added.places.tolist() == [[1, 0]]
    assert found.changed.places.tolist() == [[0, 0]]
    assert found.changed_from.places.tolist() == [[1, 0]]


def test_a_bucket_that_both_versions_share_is_not_read(tmp_path):
    store = Store(str(tmp_path))
    rows = {bytes([n]) * 16: b"h" * 16 for n in range(0, 256, 16)}
    old = version(store, rows, 2)
    new = version(store, rows | {bytes([255]) * 16: b"h" * 16}, 2)
    for part in old.index[:3]:
        store.files.delete(f"objects/{part.object[:2]}/{part.object}.parquet")
    found = merge(store, old, new)
    assert (len(found.added), found.unchanged) == (1, 16)


def test_an_index_with_a_wrong_number_of_buckets_is_damaged(tmp_path):
    store = Store(str(tmp_path))
    made = version(store, {b"1" * 16: b"h" * 16}, 2)
    broken = msgspec.structs.replace(made, index=made.index[:3], content="0" * 64)
    with pytest.raises(Damaged, match="power of two"):
        merge(store, broken, made)
