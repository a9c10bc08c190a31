import json
from dataclasses import dataclass

import pytest

from manifests import lineage
from manifests.errors import BadRow, BadSource
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.shard import read_parquet
from manifests.stage import Only, Recipe, Selected, Selection
from manifests.store import Store
from manifests.view import View
from manifests.watcher import Silent
from tests.manifests.stages import (
    Breaks,
    Copies,
    Counts,
    Length,
    Loses,
    Numbers,
    Repeats,
    SameLast,
    Shout,
    Source,
    Surrogate,
    number,
    numbers,
)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def ids(store, manifest):
    return {row.hex for row in View(store, manifest)}


def test_a_run_keeps_what_passes_and_counts_what_does_not(store):
    made = run(Recipe("r", (Shout(), Length(20))), numbers(0, 10, 20), store=store, tag="r").manifest
    expected = [n for n in range(20) if len(number(n).text) + 6 * (n % 2 == 0) <= 20]
    assert [row.text.split()[-1] for row in View(store, made)] == [str(n) for n in expected]
    assert made.steps[1].reasons == {"length/too_long": 20 - len(expected)}
    assert (made.steps[0].rows_in, made.steps[1].kept) == (20, len(expected))


def test_the_same_run_again_makes_nothing_and_gives_the_same_version(store):
    recipe = Recipe("r", (Shout(), Length(), SameLast()))
    first, second = (run(recipe, numbers(0, 10, 20), store=store, tag="r") for _ in range(2))
    assert (second.made, second.ref, second.manifest.id) == (0, first.ref, first.manifest.id)


def test_manifest_ids_do_not_depend_on_where_the_store_is(tmp_path, store):
    recipe = Recipe("r", (Shout(), Length(), Copies(), SameLast()))
    here = run(recipe, numbers(0, 10, 20), store=store).manifest.id
    assert run(recipe, numbers(0, 10, 20), store=Store("memory://elsewhere")).manifest.id == here


def test_an_edited_threshold_starts_from_the_last_dear_stage(store, tmp_path):
    seen = tmp_path / "seen"
    for limit in (20, 30):
        run(Recipe("r", (Counts(str(seen)), Shout(), Length(limit))), numbers(0, 10), store=store)
    assert len(seen.read_text().split()) == 10


def test_a_new_file_costs_only_itself(store, tmp_path):
    recipe = Recipe("r", (Counts(str(tmp_path / "seen")),))
    run(recipe, numbers(0, 10, 20), store=store)
    made = run(recipe, numbers(0, 10, 20, 30), store=store)
    assert (made.made, made.reused, made.manifest.rows) == (1, 2, 30)
    assert len((tmp_path / "seen").read_text().split()) == 30


def test_a_recipe_is_the_same_under_any_name_and_another_with_any_other_literal():
    assert Recipe("a", (Length(5),)).fingerprint == Recipe("b", (Length(5),)).fingerprint
    others = [(Length(6),), (Only("ja", Length(5)),), (Length(5), Length(5)), ()]
    assert len({Recipe("a", steps).fingerprint for steps in [(Length(5),), *others]}) == 5


def test_a_moved_fingerprint_is_told_before_anything_is_made_again(store):
    class Hears(Silent):
        said = ()

        def say(self, text):
            self.said += (text,)

    run(Recipe("r", (Shout(), Length(20))), numbers(0, 10), store=store, tag="r")
    run(Recipe("r", (Shout(), Length(30))), numbers(0, 10), store=store, tag="r", watcher=(heard := Hears()))
    assert heard.said == ("Length changed: max_chars 20 → 30 (since r@1)",)


def test_what_a_selection_notes_is_said_and_kept_in_the_record_and_is_no_warning(store):
    class Hears(Silent):
        said = ()

        def say(self, text):
            self.said += (text,)

    @dataclass(frozen=True)
    class Notes(Selection):
        def select(self, view, map):  # noqa: ARG002
            return Selected((), notes=(f"{view.rows} rows looked at",))

    run(Recipe("r", (Length(), Notes())), numbers(0, 10), store=store, watcher=(heard := Hears()))
    [record] = store.runs()
    assert (record["notes"], record["warnings"], heard.said) == (["10 rows looked at"], [], ("10 rows looked at",))


def test_every_row_that_was_looked_at_has_its_values_in_the_ledger(store):
    made = run(Recipe("r", (Length(20),)), numbers(0, 10), store=store).manifest
    values = read_parquet(store.get(made.ledger.values[0])).to_pylist()
    assert [row["1:length/chars"] for row in values] == [len(number(n).text) for n in range(10)]
    assert [row["reason"] for row in values] == [
        None if len(number(n).text) <= 20 else "length/too_long" for n in range(10)
    ]
    assert {row["domain"] for row in values} == {"site0.example", "site1.example", "site2.example"}


def test_an_altered_row_keeps_its_id_and_leaves_its_new_text_in_the_ledger(store):
    made = run(Recipe("r", (Shout(),)), numbers(0, 2), store=store).manifest
    decisions = read_parquet(store.get(made.ledger.decisions[0])).to_pylist()
    assert [(row["id"], row["action"], row["reason"], row["payload"]) for row in decisions] == [
        (number(0).id, "altered", "Shout", b"SHOUT 0")
    ]


def test_the_id_of_a_derived_row_depends_on_the_step_that_made_it(store):
    first = run(Recipe("r", (Copies(2),)), numbers(0, 4), store=store).manifest
    second = run(Recipe("r", (Copies(3),)), numbers(0, 4), store=store).manifest
    assert (first.rows, second.rows) == (8, 12)
    assert not ids(store, first) & ids(store, second)
    assert {row.parents for row in View(store, first)} == {(number(n).id,) for n in range(4)}


def test_a_selection_writes_masks_and_copies_nothing(store):
    before = run(Recipe("r", ()), numbers(0, 10, 20), store=store, tag="all").manifest
    after = run(Recipe("s", (SameLast(),)), "all", store=store).manifest
    assert [entry.shard for entry in after.entries] == [entry.shard for entry in before.entries]
    assert after.rows == len({number(n).text[-1] for n in range(20)})
    assert sum(entry.rows for entry in after.entries) == after.rows == len(ids(store, after))


def test_a_repeated_source_id_is_a_counted_reject_within_a_unit_and_across_units(store):
    twice = Source((Numbers(0, 5), Numbers(3, 8)))
    made = run(Recipe("r", (Length(1000),)), twice, store=store).manifest
    assert made.rows == 8
    assert made.steps[1].reasons == {"input/repeated_id": 2}
    assert len(ids(store, made)) == 8


@pytest.mark.parametrize(("stage", "what"), [(Loses(), "neither them nor"), (Repeats(), "yield each row once")])
def test_a_stage_that_loses_or_repeats_rows_is_an_error(store, stage, what):
    with pytest.raises(BadRow, match=what):
        run(Recipe("r", (stage,)), numbers(0, 10), store=store)


def test_a_text_that_cannot_be_written_costs_its_row_only(store):
    made = run(Recipe("r", (Surrogate(),)), numbers(0, 10), store=store).manifest
    assert made.rows == 9
    assert made.steps[1].reasons == {"row/not_unicode": 1}


def test_a_failed_unit_leaves_nothing_committed_and_the_next_run_completes_it(store, tmp_path):
    mended = tmp_path / "mended"
    recipe = Recipe("r", (Breaks(str(mended)),))
    with pytest.raises(OSError, match="disk on fire"):
        run(recipe, numbers(0, 5, 10), store=store, tag="r")
    assert store.head("r") is None
    mended.touch()
    made = run(recipe, numbers(0, 5, 10), store=store, tag="r")
    assert (made.made, made.reused, made.manifest.rows) == (1, 1, 10)


def test_limit_stops_after_so_many_rows_of_the_source(store):
    assert run(Recipe("r", ()), numbers(0, 10, 20, 30), store=store, limit=15).manifest.rows == 15


def test_the_mask_of_the_input_is_part_of_what_a_step_depends_on(store):
    run(Recipe("r", ()), numbers(0, 20), store=store, tag="all")
    whole = run(Recipe("s", (Length(1000),)), "all", store=store).manifest
    run(Recipe("t", (SameLast(),)), "all", store=store, tag="few")
    few = run(Recipe("s", (Length(1000),)), "few", store=store).manifest
    assert (whole.rows, few.rows) == (20, 10)


def test_a_run_that_keeps_nothing_says_so_loudly(store):
    class Hears(Silent):
        said = ()

        def say(self, text):
            self.said += (text,)

    steps = (Length(0), Shout(), Length(9))  # the second is dear: what follows it is a pass of its own
    made = run(Recipe("r", steps), numbers(0, 5), store=store, watcher=(heard := Hears()))
    assert made.manifest.rows == 0
    assert heard.said == ("warning: Length → Shout kept none of 5 rows: length/too_long 5",)


def test_rows_of_one_language_pass_a_stage_for_another_untouched(store):
    made = run(Recipe("r", (Only("ja", Length(0)),)), numbers(0, 10), store=store).manifest
    assert ids(store, made) == {number(n).hex for n in range(0, 10, 2)}


def test_a_source_without_files_is_an_error(store):
    with pytest.raises(BadSource):
        run(Recipe("r", ()), Source(()), store=store)


def test_the_record_of_a_run_holds_what_is_no_identity(store):
    done = run(Recipe("r", (Length(),)), numbers(0, 5), store=store, tag="r")
    record = list(store.runs())[-1]
    assert record["manifest"] == done.manifest.id
    assert {"host", "started", "seconds", "libraries", "parts"} <= set(record)
    assert "seconds" not in json.dumps(json.loads(done.manifest.body()))


def test_shards_are_cut_by_size_and_candidates_of_one_parent_stay_together(store, monkeypatch):
    monkeypatch.setattr("manifests.shard.MAX_SHARD_BYTES", 60)
    for steps in ((), (Copies(4),)):
        made = run(Recipe("r", steps), numbers(0, 10), store=store).manifest
        assert len(made.entries) >= 2
        parents = [{row.parents or row.id for row in part.rows()} for part in View(store, made).slices]
        assert sum(len(here) for here in parents) == 10


def test_what_a_parent_chain_did_can_be_read_from_the_manifest_alone(store):
    made = run(Recipe("r", (Shout(), Length(30), SameLast())), numbers(0, 10), store=store).manifest
    assert [step["stage"] for step in lineage.recipe_steps(store, made)] == ["Shout", "Length", "SameLast"]


def test_a_stored_text_with_a_lone_surrogate_is_refused_at_the_source(store):
    class Bad(Numbers):
        def rows(self):
            yield Document(id=row_id("document", "x", "1"), text="\ud800", url="http://a.example/\ud800")
            yield Document(id=row_id("document", "x", "2"), text="fine")

    made = run(Recipe("r", ()), Source((Bad(0, 1),)), store=store).manifest
    assert (made.rows, made.steps[0].reasons) == (1, {"row/not_unicode": 1})


def test_a_step_of_another_library_version_is_another_step(monkeypatch):
    class Uses(Length):
        libraries = ("polars",)

    before = Recipe("r", (Uses(),)).fingerprint
    monkeypatch.setattr("manifests.stage.library_version", lambda _name: "99.0")
    assert Recipe("r", (Uses(),)).fingerprint != before
