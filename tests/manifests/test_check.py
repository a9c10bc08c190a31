import shutil

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests import canonical, shard
from manifests.check import fsck
from manifests.errors import Damaged, KobaError
from manifests.objects import object_key
from manifests.records import seal
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.manifests.stages import Copies, Length, SameLast, Shout, number, numbers

RECIPE = Recipe("r", (Shout(), Length(40), Copies(2), SameLast()))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("whole") / "store"))
    make(store)
    store.files.overwrite(f"forgotten/{'ab' * 16}.json", seal({"row": "ab" * 16}))
    store.files.overwrite(f"calls/model/{canonical.sha256(b'replies')}.parquet", b"replies")
    return store


def make(store, tag="r"):
    return run(RECIPE, numbers(0, 10, 20), store=store, tag=tag).manifest


def path(store, key):
    return store.files.root / key


def flip(store, key, bit=77):
    data = bytearray(path(store, key).read_bytes())
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    path(store, key).write_bytes(data)


def test_a_whole_store_has_no_problems(whole):
    assert fsck(whole) == fsck(whole, deep=True) == []


def test_a_missing_object_is_named_with_the_versions_it_hits(store):
    made = make(store)
    key = object_key(made.entries[0].shard)
    path(store, key).unlink()
    (problem,) = fsck(store)
    assert (problem.key, problem.what, problem.refs) == (key, "is missing", ("r@1",))
    assert "run the command that made it again" in str(problem)


def test_a_truncated_shard_is_found_without_reading_it(store):
    made = make(store)
    key = object_key(made.entries[0].shard)
    path(store, key).write_bytes(path(store, key).read_bytes()[:-1])
    assert [problem.what for problem in fsck(store)] == [
        f"has {made.entries[0].size - 1} bytes, expected {made.entries[0].size}"
    ]


def test_a_missing_or_changed_manifest_is_named_with_who_needs_it(store):
    made = make(store)
    parent = f"manifests/{made.parents[0]}.json"
    flip(store, parent)
    assert [(one.key, one.refs) for one in fsck(store)] == [(parent, ("r@1",))]
    path(store, parent).unlink()
    (problem,) = fsck(store)
    assert problem.what == f"is missing, but it is a parent of {made.id[:16]}"


def test_a_ref_that_points_nowhere_or_is_no_ref_is_found(store):
    make(store)
    store.files.overwrite("refs/r/2.json", seal({"manifest": "0" * 64}))
    store.files.overwrite("refs/r/notes.txt", b"mine")
    assert {problem.key for problem in fsck(store)} == {f"manifests/{'0' * 64}.json", "refs/r/notes.txt"}


@settings(max_examples=60)
@given(data=st.data())
def test_any_flipped_bit_in_any_file_is_found_by_a_deep_look(whole, data):
    key = data.draw(st.sampled_from(sorted(whole.files.keys(""))))
    bit = data.draw(st.integers(0, 8 * whole.files.size(key) - 1))
    flip(whole, key, bit)
    try:
        assert key in {problem.key for problem in fsck(whole, deep=True)}
    finally:
        flip(whole, key, bit)


@settings(max_examples=60)
@given(data=st.data())
def test_after_any_flipped_bit_reading_gives_the_same_rows_or_an_error(whole, data):
    rows = list(View(whole, whole.manifest("r")))
    key = data.draw(st.sampled_from(sorted(whole.files.keys(""))))
    bit = data.draw(st.integers(0, 8 * whole.files.size(key) - 1))
    flip(whole, key, bit)
    try:
        assert list(View(whole, whole.manifest("r"))) == rows
    except KobaError:
        pass
    finally:
        flip(whole, key, bit)


def test_a_damaged_action_is_not_believed_and_is_made_again(store):
    made = make(store)
    for key in list(store.files.keys("actions")):
        flip(store, key, bit=4001)
    again = run(RECIPE, numbers(0, 10, 20), store=store, tag="r")
    assert (again.manifest.id, again.reused) == (made.id, 0)
    assert fsck(store, deep=True) == []


@pytest.mark.parametrize("kind", ["objects", "manifests", "actions"])
def test_what_repair_removes_is_made_again_by_the_same_command(tmp_path, whole, kind):
    count = len(list(whole.files.keys(kind)))
    for number_ in range(0, count, 4 if kind == "objects" else 1):
        shutil.copytree(whole.files.root, tmp_path / "store", dirs_exist_ok=True)
        store = Store(str(tmp_path / "store"))
        key = list(store.files.keys(kind))[number_]
        flip(store, key)
        (problem,) = fsck(store, repair=True)
        assert (problem.key, problem.repaired) == (key, kind != "manifests")
        make(store)
        assert fsck(store, deep=True) == []
        shutil.rmtree(tmp_path / "store")


def test_repair_leaves_alone_what_is_not_damaged(store):
    make(store)
    before = set(store.files.keys(""))
    path(store, "notes.txt").write_text("mine")
    assert fsck(store, repair=True) == []
    assert set(store.files.keys("")) == {*before, "notes.txt"}


def lying(store, **changes):
    """Tag a manifest that hashes to its id, and says something untrue."""
    store.tag("lie", store.put_manifest(msgspec.structs.replace(store.manifest("r"), **changes)))
    return [problem for problem in fsck(store, deep=True) if problem.refs == ("lie@1",)]


@pytest.mark.parametrize("name", ["content", "rows", "chars", "tokens", "size"])
def test_an_entry_that_lies_about_its_shard_is_found_and_the_shard_is_left_alone(store, name):
    made = make(store)
    entry = made.entries[0]
    value = "0" * 64 if name == "content" else getattr(entry, name) + 1
    told = lying(store, entries=(msgspec.structs.replace(entry, **{name: value}), *made.entries[1:]))
    assert any(problem.key.startswith("manifests/") for problem in told)
    fsck(store, repair=True)
    assert list(View(store, store.manifest("r")))


@pytest.mark.parametrize("changes", [{"rows": 3}, {"content": "0" * 64}, {"licences": {"MIT": 3}}, {"index": ()}])
def test_a_manifest_that_lies_about_its_rows_is_found(store, changes):
    make(store)
    assert lying(store, **changes)


def test_an_index_that_disagrees_with_the_shards_is_found(store):
    made = make(store)
    table = shard.read_parquet(store.get(made.index[0].object))
    for column, values in (("row", table["row"].to_numpy()[::-1]), ("hash", table["hash"].take([1, 0]))):
        at = table.column_names.index(column)
        wrong = table.set_column(at, column, pa.chunked_array([pa.array(values)]) if column == "row" else values)
        digest = store.put(shard.write_parquet(wrong))
        index = (msgspec.structs.replace(made.index[0], object=digest),)
        assert any("agree" in one.what for one in lying(store, index=index))
        path(store, "refs/lie/1.json").unlink()


def test_a_row_whose_hash_is_wrong_is_found_even_where_a_mask_hides_it(store):
    made = run(Recipe("r", ()), numbers(0, 10), store=store, tag="r").manifest
    table = shard.read_parquet(store.get(made.entries[0].shard))
    texts = [f"{text}!" if place == 3 else text for place, text in enumerate(table["text"].to_pylist())]
    data = shard.write_parquet(table.set_column(1, "text", pa.array(texts)))
    entry = msgspec.structs.replace(made.entries[0], shard=store.put(data), size=len(data), chars=made.chars + 1)
    told = lying(store, entries=(entry,))
    assert [f"1 rows are not what their hash says, the first is {number(3).hex}" in one.what for one in told] == [True]


def test_a_mask_that_names_rows_that_are_not_there_is_found(store):
    made = make(store)
    mask = store.put(shard.write_mask([0, 999]), ".roaring")
    entry = msgspec.structs.replace(made.entries[0], mask=mask)
    assert any("999" in one.what for one in lying(store, entries=(entry, *made.entries[1:])))
    with pytest.raises(Damaged, match="999"):
        list(View(store, store.manifest("lie")))


def test_a_row_that_was_taken_down_and_is_still_shown_is_found(store):
    make(store)
    row = next(iter(View(store, store.manifest("r"))))
    store.files.overwrite(f"forgotten/{row.hex}.json", seal({"row": row.hex}))
    assert {f"run `koba forget {row.hex}` again"} == {one.remedy for one in fsck(store, deep=True)}
