import json
import shutil
from itertools import pairwise

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from manifests import shard
from manifests.commit import read_index
from manifests.errors import Ambiguous, NotFound
from manifests.lookup import find, place, places, row_at
from manifests.manifest import IndexPart
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.manifests import small


def bucketed(store, manifest, bits):
    """The same manifest with an index in 2**bits buckets."""
    table = read_index(store, manifest.index[0], ("id", "hash", "shard", "row"))
    first = np.array([row_id.as_py()[0] >> (8 - bits) for row_id in table["id"]])
    parts = [table.take(pa.array(np.flatnonzero(first == bucket))) for bucket in range(2**bits)]
    index = tuple(IndexPart(store.put(shard.write_parquet(part)), len(part)) for part in parts)
    return msgspec.structs.replace(manifest, index=index)


def test_a_kept_row_is_found_by_its_id_and_by_the_start_of_it(made):
    row_id = small.note_id("plain-1")
    for text in (row_id.hex(), row_id.hex()[:6], f" {row_id.hex().upper()}\n"):
        found = find(made.store, text)
        assert (found.row_id, found.name, found.manifest.id) == (row_id, "small@1", made.manifest.id)
        assert row_at(made.store, found.manifest, found.place).id == row_id


@pytest.mark.parametrize("name", ["short", "kanji", "copy-1", "plain-2"])
@pytest.mark.parametrize("digits", [8, 32])
def test_a_row_that_did_not_stay_is_found_as_well(made, name, digits):
    found = find(made.store, small.note_id(name).hex()[:digits], within=made.manifest)
    assert found.row_id == small.note_id(name)
    assert found.place is None
    assert json.dumps(found.to_json())


def test_a_row_is_looked_for_in_the_newest_version_first_and_then_in_older_ones(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    run(small.recipe(), notes, store=store, tag="a")
    run(small.recipe(min_words=6), notes, store=store, tag="a")
    (tmp_path / "notes" / "notes-0.jsonl").unlink()
    run(small.recipe(), notes, store=store, tag="a")
    assert find(store, small.note_id("plain-5").hex()).name == "a@3"
    assert find(store, small.note_id("plain-1").hex()).name == "a@2"
    assert find(store, small.note_id("plain-1").hex()[:8]).name == "a@2"


def test_an_id_that_nobody_knows_is_told_with_where_we_looked(made):
    with pytest.raises(NotFound, match="looked in small@1"):
        find(made.store, "0" * 32)
    with pytest.raises(NotFound, match=made.manifest.id[:12]):
        find(made.store, "00000000", within=made.manifest)


@pytest.mark.parametrize("text", ["", "abc", "plain-1", "0x1234", "a" * 33])
def test_what_is_no_id_is_refused(made, text):
    with pytest.raises(NotFound, match="is no row id: expected 4 to 32 hex digits"):
        find(made.store, text)


def test_a_start_that_fits_several_rows_lists_them(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    lines = [{"name": str(n), "language": "en", "text": f"note {n}"} for n in range(2_000)]
    (notes / "n.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ids = sorted(small.note_id(str(n)).hex() for n in range(2_000))
    start = next(a[:4] for a, b in pairwise(ids) if a[:4] == b[:4])
    store = Store(str(tmp_path / "store"))
    manifest = run(Recipe("as they are", ()), small.Notes(notes), store=store, tag="many").manifest
    with pytest.raises(Ambiguous, match=f"2 row ids start with '{start}'") as error:
        find(store, start, within=manifest)
    assert all(row_id in str(error.value) for row_id in ids if row_id.startswith(start))


@pytest.mark.parametrize("bits", [1, 3])
def test_an_index_in_several_buckets_gives_the_same_places(made, tmp_path, bits):
    store = Store(str(shutil.copytree(made.store.url, tmp_path / "store")))
    manifest = bucketed(store, made.manifest, bits)
    for part in View(store, made.manifest).slices:
        for position, row in enumerate(part.rows()):
            where = place(store, manifest, row.id)
            assert (where.shard, where.row) == (part.ordinal, position)
            assert find(store, row.hex[:8], within=manifest).row_id == row.id
    assert place(store, manifest, b"\0" * 16) is None


def test_many_rows_are_placed_at_once_and_unknown_ones_left_out(made):
    asked = [*made.ids(), small.note_id("short"), b"\xff" * 16]
    assert places(made.store, made.manifest, asked).keys() == made.ids()
    assert places(made.store, made.manifest, []) == {}
