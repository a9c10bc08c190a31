import shutil
from dataclasses import dataclass
from itertools import pairwise

import pytest

from manifests import shard
from manifests.check import fsck
from manifests.collect import gc
from manifests.errors import NotFound
from manifests.forget import forget
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.stage import Drop, Recipe, Selected, Selection, Side
from manifests.store import Store
from manifests.view import View
from tests.manifests.stages import Copies, CutWord, Length, Numbers, SameLast, Shout, Source, number, numbers

PRIVATE = "the secret of number seven"
SEVEN = row_id("document", "numbers", "7")


class Secret(Numbers):
    """Numbers, of which the seventh has a text of its own."""

    def rows(self):
        for n in range(self.start, self.stop):
            row = number(n)
            yield row.replace(text=PRIVATE, language="en", url="https://secret.example/7") if n == 7 else row


class Texts(Side):
    """A side table that holds the text itself."""

    columns = ("text",)

    def describe(self):
        return {"side": "texts"}

    def __call__(self, table):
        return table.select(["text"])


@dataclass(frozen=True, slots=True)
class Hide(Selection):
    """Drops these numbers, as duplicates of the seventh."""

    numbers: tuple[int, ...]

    def select(self, view, map):  # noqa: ARG002
        urls = tuple(f"/{n}" for n in self.numbers)
        places = [(part.ordinal, place, row) for part in view.slices for place, row in enumerate(part.rows())]
        return Selected([Drop(o, p, "same/last", 1.0, 0.5, SEVEN) for o, p, row in places if row.url.endswith(urls)])


RECIPES = {
    "kept": (Length(1000),),
    "altered": (Shout(), Length(1000)),
    "dropped": (Length(20),),
    "altered and dropped": (Shout(), Length(20)),
    "selected": (Shout(), Length(1000), SameLast()),
    "cut": (Shout(), CutWord("SHOUT "), Length(1000)),
    "used": (Copies(2), Length(1000)),
    "all": (Length(1000), Shout(), Hide((9,)), Copies(2), Length(1000), SameLast(), Length(500)),
}


def source(*bounds):
    return Source(tuple(Secret(*pair) for pair in pairwise(bounds)))


def make(store, recipe=RECIPES["all"], tag="r"):
    return run(Recipe("r", recipe), source(0, 5, 10, 15), store=store, tag=tag).manifest


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def rows(store, name="r"):
    return list(View(store, store.manifest(name)))


def texts(store):
    """Return every byte of the store: files as they are, and tables unpacked."""
    found = []
    for key in [*store.files.keys(""), *store.files.leftovers()]:
        data = store.files.read(key)
        found.append(data)
        if key.endswith(".parquet"):
            found.append(repr(shard.read_parquet(data).to_pylist()).encode())
    return b"\n".join(found)


def lines(store, manifest, row):
    """Return all that the ledger of a manifest says of a row."""
    tables = [*manifest.ledger.values, *manifest.ledger.decisions]
    every = [line for digest in tables for line in shard.read_parquet(store.get(digest)).to_pylist()]
    return [line for line in every if line["id"] == row]


@pytest.mark.parametrize("recipe", RECIPES)
def test_after_a_purge_no_byte_of_the_row_is_in_the_store(store, recipe):
    made = make(store, RECIPES[recipe])
    assert b"secret.example" in texts(store)
    done = forget(store, SEVEN, descendants=True, purge=True)
    assert PRIVATE.encode() not in texts(store)
    assert b"secret.example" not in texts(store)
    assert done.refs[0].manifest == store.resolve("r") != made.id
    assert fsck(store, deep=True) == []
    assert gc(store, grace_s=0).garbage == ()


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_left_is_what_a_run_makes_that_refuses_the_row(tmp_path, store, recipe):
    make(store, RECIPES[recipe])
    forget(store, SEVEN, descendants=True)
    other = Store(str(tmp_path / "other"))
    forget(other, SEVEN)
    expected, found = make(other, RECIPES[recipe]), store.manifest("r")
    derives = Copies(2) in RECIPES[recipe]
    assert derives or found.id == expected.id
    while True:
        assert (found.content, found.rows, found.licences) == (expected.content, expected.rows, expected.licences)
        assert derives or found.steps == expected.steps
        if not found.parents:
            return
        expected, found = other.manifest(expected.parents[0]), store.manifest(found.parents[0])


def test_the_counts_of_the_steps_add_up_when_derived_rows_are_taken_down_too(store):
    make(store)
    forget(store, SEVEN, descendants=True)
    manifest = store.manifest("r")
    while True:
        for before, after in zip(manifest.steps, manifest.steps[1:], strict=False):
            assert before.kept + before.derived == after.rows_in
        last = manifest.steps[-1]
        assert last.kept + last.derived == manifest.rows
        assert all(sum(step.reasons.values()) == step.dropped for step in manifest.steps)
        if not manifest.parents:
            return
        manifest = store.manifest(manifest.parents[0])


def test_the_ledger_keeps_one_refusal_with_the_id_and_nothing_else(store):
    make(store, RECIPES["altered"])
    forget(store, SEVEN)
    first = store.manifest(store.manifest("r").parents[0])
    told = [{name: value for name, value in line.items() if value is not None} for line in lines(store, first, SEVEN)]
    assert told == [
        {"id": SEVEN, "dropped_at": 0, "reason": "forget/takedown"},
        {"id": SEVEN, "step": 0, "action": "dropped", "reason": "forget/takedown"},
    ]
    assert lines(store, store.manifest("r"), SEVEN) == []


def test_a_row_that_was_taken_down_does_not_come_back(store):
    make(store)
    forget(store, SEVEN, descendants=True)
    left = store.manifest("r").content
    again = make(store)
    assert again.content == left
    assert make(store, (Length(999),), tag="other").rows == 14


def test_a_derived_row_is_taken_down_alone_and_the_step_that_made_it_does_not_make_it_again(store):
    recipe = (Copies(2), Length(1000))
    make(store, recipe)
    first, *others = rows(store)
    forget(store, first.id, purge=True)
    assert rows(store) == others
    assert {row.id for row in rows(store)} == {row.id for row in View(store, make(store, recipe, "again"))}
    assert first.id not in {row.id for row in View(store, make(store, (Copies(2), Length(900)), "third"))}


def test_descendants_are_listed_and_stay_unless_they_are_asked_for(store):
    make(store, (Copies(2), Length(1000)))
    made = {row.hex for row in rows(store) if SEVEN in row.parents}
    done = forget(store, SEVEN)
    assert (set(done.descendants), done.removed) == (made, (SEVEN.hex(),))
    assert made <= {row.hex for row in rows(store)}
    done = forget(store, SEVEN, descendants=True)
    assert set(done.removed) == {SEVEN.hex(), *made}
    assert not made & {row.hex for row in rows(store)}


def test_descendants_are_found_through_rows_that_were_never_stored(store):
    make(store, (Copies(2), Copies(2)))
    assert len(rows(store)) == 60
    done = forget(store, SEVEN, descendants=True, purge=True)
    assert (len(done.removed), len(rows(store))) == (1 + 2 + 4, 56)
    assert PRIVATE.encode() not in texts(store)


def test_rows_that_were_dropped_as_its_duplicates_are_named(store):
    make(store)
    assert forget(store, SEVEN).twins == (number(9).hex,)


def test_every_version_and_every_name_is_rewritten_and_the_history_keeps_its_numbers(store):
    first = make(store, (Length(1000),))
    make(store, (Length(900),))
    run(Recipe("s", (SameLast(),)), "r@1", store=store, tag="selected")
    run(Recipe("s", ()), numbers(20, 25), store=store, tag="untouched")
    untouched = store.resolve("untouched")
    done = forget(store, SEVEN, purge=True)
    assert [str(ref) for ref in done.refs] == ["r@1", "r@2", "selected@1"]
    assert {ref.number for ref in store.history("r")} == {1, 2}
    assert store.resolve("untouched") == untouched
    assert store.manifest("selected").parents == (store.resolve("r@1"),)
    assert first.id not in set(store.manifest_ids())
    assert PRIVATE.encode() not in texts(store)


@pytest.mark.parametrize("hidden", [(7,), (5, 7), (5, 7, 9)])
def test_a_row_that_a_mask_hides_is_taken_out_of_the_shard_and_the_mask_is_renumbered(store, hidden):
    make(store, (), "all")
    run(Recipe("s", (Hide(hidden),)), "all", store=store, tag="few")
    few = [row.id for row in rows(store, "few")]
    assert len(few) == 15 - len(hidden)
    assert SEVEN not in few
    forget(store, SEVEN, purge=True)
    assert [row.id for row in rows(store, "few")] == few
    assert (store.manifest("few").entries[1].mask is None) == (hidden == (7,))
    assert PRIVATE.encode() not in texts(store)
    assert fsck(store, deep=True) == []


def test_a_shard_may_end_up_empty(store):
    run(Recipe("r", ()), source(7, 8), store=store, tag="r")
    forget(store, SEVEN, purge=True)
    assert rows(store) == []
    assert fsck(store, deep=True) == []
    assert run(Recipe("s", (Length(10), SameLast())), "r", store=store).manifest.rows == 0


def test_two_records_with_the_same_id_are_both_taken_down(store):
    class Twice(Numbers):
        def rows(self):
            yield Document(id=SEVEN, text=f"{PRIVATE} {self.start}")
            yield Document(id=SEVEN, text=f"{PRIVATE} again")
            yield number(20 + self.start)

    run(Recipe("r", (Length(1000),)), Source((Twice(0, 1), Twice(1, 2))), store=store, tag="r")
    assert store.manifest("r").steps[1].reasons == {"input/repeated_id": 1}
    forget(store, SEVEN, purge=True)
    assert PRIVATE.encode() not in texts(store)
    first, second = store.manifest("r").steps
    assert len(store.manifest("r").ledger.decisions) == 2
    assert (first.rows_in, first.kept, first.reasons) == (6, 2, {"forget/takedown": 2, "input/repeated_id": 2})
    assert (second.rows_in, second.kept, second.reasons) == (2, 2, {})
    assert fsck(store, deep=True) == []


def test_side_tables_and_manifests_without_a_name_are_purged_too(store):
    made = make(store, (Length(999),), tag=None)
    View(store, made).side(Texts(), map)
    make(store)
    done = forget(store, SEVEN, descendants=True, purge=True)
    assert f"manifests/{made.id}.json" in done.purged
    assert PRIVATE.encode() not in texts(store)
    assert fsck(store, deep=True) == []


def test_without_a_purge_the_old_objects_are_left_to_gc(store):
    made = make(store)
    View(store, made).side(Texts(), map)
    done = forget(store, SEVEN, descendants=True)
    assert done.purged == ()
    assert PRIVATE.encode() in texts(store)
    assert gc(store).garbage == ()
    gc(store, grace_s=0, delete=True)
    assert PRIVATE.encode() not in texts(store)


def test_the_replies_of_a_model_that_became_the_rows_are_taken_out_of_its_cache(store):
    import pyarrow as pa

    call = bytes(range(32))

    class Called(Numbers):
        def rows(self):
            yield number(7).replace(text=PRIVATE, call=call)

    run(Recipe("r", ()), Source((Called(7, 8),)), store=store, tag="r")
    table = pa.table({"key": pa.array([b"k" * 32, call], pa.binary(32)), "text": ["other", PRIVATE]})
    store.files.create("calls/model/old.parquet", shard.write_parquet(table))
    done = forget(store, SEVEN, purge=True)
    assert "calls/model/old.parquet" in done.purged
    (key,) = store.files.keys("calls")
    assert shard.read_parquet(store.files.read(key))["text"].to_pylist() == ["other"]
    assert PRIVATE.encode() not in texts(store)


def test_a_store_that_is_no_folder_forgets_too():
    store = Store("memory://forgets")
    make(store)
    forget(store, SEVEN, descendants=True, purge=True)
    assert PRIVATE.encode() not in texts(store)
    assert fsck(store, deep=True) == []


def test_forgetting_a_row_that_is_nowhere_keeps_it_from_ever_coming(store):
    done = forget(store, SEVEN)
    assert (done.refs, done.manifests) == ((), {})
    assert make(store, ()).rows == 14


def test_what_is_no_row_id_is_refused(store):
    with pytest.raises(NotFound, match="32 hex digits"):
        forget(store, b"\x01\x02")


def test_forgetting_twice_changes_nothing(store):
    make(store)
    forget(store, SEVEN, descendants=True, purge=True)
    before = {key: store.files.read(key) for key in store.files.keys("")}
    done = forget(store, SEVEN, descendants=True, purge=True)
    assert (done.refs, done.purged, done.manifests) == ((), (), {})
    assert {key: store.files.read(key) for key in store.files.keys("")} == before


class Killed(BaseException):
    pass


class Failing:
    """Files that raise after so many writes."""

    def __init__(self, files, left):
        self.files, self.left = files, left

    def __getattr__(self, name):
        found = getattr(self.files, name)
        if name not in {"create", "overwrite", "delete"}:
            return found

        def counted(*arguments):
            if self.left == 0:
                raise Killed
            self.left -= 1
            return found(*arguments)

        return counted


@pytest.mark.parametrize("purge", [False, True])
def test_a_takedown_killed_at_any_write_is_completed_by_the_same_command(tmp_path, purge):
    recipe = (Shout(), Copies(2), Hide((6,)), Length(1000))
    start = Store(str(tmp_path / "start"))
    View(start, run(Recipe("r", recipe), source(5, 10), store=start, tag="r").manifest).side(Texts(), map)
    make(start, (Shout(),), tag=None)

    def finished(store):
        forget(store, SEVEN, descendants=True, purge=purge)
        assert fsck(store, deep=True) == []
        gc(store, grace_s=0, delete=True)
        keys = [key for key in store.files.keys("") if not key.startswith(("runs/", "forgotten/", "refs/"))]
        return keys, store.refs(), sorted(store.forgotten())

    shutil.copytree(start.files.root, tmp_path / "whole")
    whole = Store(str(tmp_path / "whole"))
    whole.files = counting = Failing(whole.files, 10**6)
    forget(whole, SEVEN, descendants=True, purge=purge)
    writes = 10**6 - counting.left
    expected = finished(Store(whole.url))
    for after in range(1, writes, max(1, writes // 4)):
        folder = tmp_path / f"killed-{after}"
        shutil.copytree(start.files.root, folder)
        store = Store(str(folder))
        store.files = Failing(store.files, after)
        with pytest.raises(Killed):
            forget(store, SEVEN, descendants=True, purge=purge)
        rows(Store(store.url))  # every name can be read at every moment
        assert finished(Store(store.url)) == expected
        assert PRIVATE.encode() not in texts(Store(store.url))
