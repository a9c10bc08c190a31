import os
import time

import pytest

from manifests import shard
from manifests.check import fsck
from manifests.collect import gc
from manifests.errors import Damaged, NotFound
from manifests.objects import GRACE_S
from manifests.run import run
from manifests.stage import Only, Recipe, Side
from manifests.store import Store
from manifests.view import View
from tests.manifests.stages import Copies, Length, SameLast, Shout, numbers

OLD = GRACE_S + 1


class Chars(Side):
    columns = ("text",)

    def describe(self):
        return {"side": "chars"}

    def __call__(self, table):
        return table.select(["text"])


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def make(store, chars=100, tag="r"):
    recipe = Recipe("r", (Shout(), Length(chars), Copies(2), SameLast()))
    return run(recipe, numbers(0, 10, 20), store=store, tag=tag).manifest


def keys(store):
    return set(store.files.keys(""))


def grow_old(store):
    then = time.time() - OLD
    for path in store.files.root.rglob("*"):
        os.utime(path, (then, then))


def read_all(store, name):
    return [row for manifest in [store.manifest(name)] for row in View(store, manifest)]


def test_nothing_that_a_name_leads_to_is_garbage(store):
    make(store)
    grow_old(store)
    before = keys(store)
    assert gc(store, delete=True).garbage == ()
    assert keys(store) == before


def test_older_versions_are_kept(store):
    for chars in (20, 40):
        make(store, chars)
    grow_old(store)
    gc(store, delete=True)
    first, second = (store.manifest(f"r@{number}") for number in (1, 2))
    assert first.id != second.id
    assert [len(read_all(store, one.id)) for one in (first, second)] == [first.rows, second.rows]


def test_without_delete_nothing_goes(store):
    make(store, tag=None)
    grow_old(store)
    before = keys(store)
    found = gc(store)
    assert found.garbage
    assert found.size_bytes == sum(store.files.size(key) for key in found.garbage)
    assert not found.deleted
    assert keys(store) == before


def test_what_no_name_leads_to_goes_with_its_cached_actions_and_can_be_made_again(store):
    make(store, 40, tag=None)
    kept = make(store, 100)
    grow_old(store)
    found = gc(store, delete=True)
    assert found.garbage
    assert gc(store, grace_s=0).garbage == ()
    assert make(store, 100).id == kept.id
    assert make(store, 40, tag=None).rows


def test_what_is_younger_than_the_grace_time_is_kept_with_all_it_needs(store):
    made = make(store, tag=None)
    assert gc(store, delete=True).garbage == ()
    young = store.files.root / "manifests" / f"{made.id}.json"
    grow_old(store)
    os.utime(young)
    gc(store, delete=True)
    assert len(list(View(store, store.manifest(made.id)))) == made.rows


def test_a_run_that_finds_old_work_again_keeps_it_from_being_collected(store):
    make(store, tag=None)
    grow_old(store)
    make(store, tag=None)  # nothing is made, but from now on it may be named
    assert gc(store, delete=True).garbage == ()


def test_a_side_table_lives_as_long_as_its_shard(store):
    made = make(store)
    view = View(store, made)
    view.side(Chars(), map)
    grow_old(store)
    assert gc(store, delete=True).garbage == ()
    for key in list(store.files.keys("refs")):
        store.files.delete(key)
    gc(store, delete=True)
    assert list(store.files.keys("objects")) == []
    assert list(store.files.keys("actions")) == []


def test_a_name_that_is_given_while_garbage_is_looked_for_is_heeded(store):
    made = make(store, tag=None)
    grow_old(store)
    refs, asked = store.refs, 0

    def late(*below):
        nonlocal asked
        asked += 1
        if asked == 2:
            store.tag("r", made.id)
        return refs(*below)

    store.refs = late
    assert gc(store, delete=True).garbage == ()
    assert len(read_all(store, "r")) == made.rows


def test_foreign_files_are_reported_and_never_deleted(store):
    make(store)
    for name in ("notes.txt", "objects/aa/thesis.pdf", "manifests/old/backup.json"):
        path = store.files.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    grow_old(store)
    found = gc(store, grace_s=0, delete=True)
    assert found.foreign == ("manifests/old/backup.json", "notes.txt", "objects/aa/thesis.pdf")
    assert {"notes.txt", "objects/aa/thesis.pdf"} <= keys(store)


def test_the_temporary_file_of_a_killed_writer_is_garbage_once_it_is_old(store):
    make(store)
    left = store.files.root / "objects" / f".{'a' * 64}.parquet.{'0' * 16}"
    left.write_bytes(b"half")
    assert gc(store).garbage == ()
    grow_old(store)
    assert gc(store, delete=True).garbage == (left.relative_to(store.files.root).as_posix(),)
    assert not left.exists()


def test_a_collection_killed_at_any_point_leaves_nothing_dangling(tmp_path):
    class Killed(BaseException):
        pass

    whole = Store(str(tmp_path / "whole"))
    make(whole, 40, tag=None)
    count = len(gc(whole, grace_s=0).garbage)
    for after in range(0, count, 5):
        store = Store(str(tmp_path / f"killed-{after}"))
        make(store, 40, tag=None)
        delete, left = store.files.delete, after

        def killing(key, delete=delete):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            delete(key)

        store.files.delete = killing
        with pytest.raises(Killed):
            gc(store, grace_s=0, delete=True)
        for manifest_id in store.manifest_ids():
            assert list(View(store, store.manifest(manifest_id)))
        for key in store.files.keys("actions"):
            assert store.action(key.rpartition("/")[2].removesuffix(".json")) is not None


def test_nothing_is_collected_while_a_name_leads_to_something_unreadable(store):
    made = make(store)
    make(store, 40, tag=None)
    grow_old(store)
    before = keys(store)
    path = store.files.root / "manifests" / f"{made.parents[0]}.json"
    body = path.read_bytes()
    for harm, error in ((path.unlink, NotFound), (lambda: path.write_bytes(body.replace(b"1", b"2", 1)), Damaged)):
        harm()
        with pytest.raises(error, match="koba fsck"):
            gc(store, grace_s=0, delete=True)
        path.write_bytes(body)
    assert keys(store) == before


def test_a_damaged_cached_action_is_garbage(store):
    make(store)
    key = next(store.files.keys("actions"))
    store.files.overwrite(key, b"{")
    assert gc(store, grace_s=0).garbage == (key,)


def test_a_store_in_memory_is_collected_too():
    store = Store("memory://collected")
    make(store, tag=None)
    assert gc(store, grace_s=0, delete=True).garbage
    assert list(store.files.keys("objects")) == []


def test_the_model_that_a_manifest_names_is_kept(store):
    model = store.put(shard.write_parquet(shard.encode(list(View(store, make(store))))))
    from msgspec.structs import replace

    named = replace(store.manifest("r"), models={"models/small": model})
    store.tag("named", store.put_manifest(named))
    grow_old(store)
    assert gc(store, delete=True).garbage == ()


def test_the_tokenizer_that_a_step_names_is_in_use(store):
    tokens = pytest.importorskip("manifests.tokens")
    digest = tokens.train_tokenizer(["one two three"] * 9, vocabulary=300).save(store)
    step = tokens.Tokenize(digest, store)
    run(Recipe("t", (Only("en", Length(1000)), step)), numbers(0, 4), store=store, tag="t")
    grow_old(store)
    assert f"objects/{digest[:2]}/{digest}.tokenizer" not in gc(store, delete=True).garbage
    assert tokens.load_tokenizer(store, digest).size
    assert fsck(store, deep=True) == []
