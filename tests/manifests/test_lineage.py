import json
import shutil
from pathlib import Path

import pytest

from manifests import canonical
from manifests.errors import Damaged, NotFound
from manifests.lineage import ancestry, chain_steps, recipe_chain, step_title
from manifests.provenance import trace
from manifests.rows import Origin
from manifests.run import run
from manifests.stage import Only, Recipe
from manifests.store import Store
from manifests.view import View
from tests.manifests import small, stages


def reread(location, origin):
    """Read the line of a notes file again."""
    return Path(location).read_bytes()[origin.offset : origin.offset + origin.length]


def line_of(made, origin):
    return json.loads(reread(made.notes.folder / origin.file, origin))


def test_a_row_leads_back_to_the_bytes_that_were_read(made):
    way = trace(made.store, small.note_id("plain-3"), made.manifest, reread=reread)
    assert way.kept
    assert way.manifests == tuple(part.id for part in recipe_chain(made.store, made.manifest))
    assert line_of(made, way.origin)["name"] == "plain-3"
    assert way.source.file == way.origin.file == "notes-1.jsonl"
    assert way.location == str(made.notes.folder / "notes-1.jsonl")
    assert (way.reading.outcome, way.reading.location) == ("equal", way.location)


def test_a_row_that_was_made_leads_back_through_its_parents(made):
    child = next(row_id for row_id in made.ids() if trace(made.store, row_id, made.manifest).made_by)
    way = trace(made.store, child, made.manifest, reread=reread)
    assert way.made_by == "Sentences"
    assert way.origin is None
    assert [parent.row_id for parent in way.parents] == [small.note_id("plain-2")]
    assert not way.parents[0].kept
    assert len(way.parents[0].manifests) == 2
    assert [line_of(made, origin)["name"] for origin in way.origins()] == ["plain-2"]
    assert way.parents[0].reading.outcome == "equal"


def test_a_row_that_was_made_twice_over_leads_back_step_by_step(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    recipe = Recipe("twice", (small.Tidy(), small.Sentences(), stages.Copies(2)))
    manifest = run(recipe, notes, store=store).manifest
    copy = next(row for row in View(store, manifest) if row.text == "go #0")
    way = trace(store, copy.id, manifest)
    assert (way.made_by, way.parents[0].made_by) == ("Copies", "Sentences")
    assert way.parents[0].parents[0].row_id == small.note_id("plain-2")
    assert [origin.file for origin in way.origins()] == ["notes-0.jsonl"]


def test_a_row_that_was_dropped_after_it_was_stored_leads_back_as_well(made):
    way = trace(made.store, small.note_id("copy-1"), made.manifest, reread=reread)
    assert not way.kept
    assert way.reading.outcome == "equal"


def test_of_a_row_that_was_dropped_before_it_was_stored_file_and_offset_are_known_and_nothing_is_read(made):
    way = trace(made.store, small.note_id("short"), made.manifest, reread=reread)
    assert (way.manifests, way.origin, way.reading) == ((), Origin("notes-0.jsonl", 226, 0, ""), None)


def test_a_file_that_is_gone_is_named_with_the_digest_to_fetch(made, tmp_path):
    way = trace(made.store, small.note_id("plain-3"), made.manifest, lambda file: str(tmp_path / file), reread=reread)
    digest = next(record.digest for record in made.notes.records() if record.file == "notes-1.jsonl")
    assert way.reading.outcome == "missing"
    assert f"bytes with the SHA-256 {digest}" in way.reading.message
    assert "fetch notes-1.jsonl" in way.reading.message


def test_a_file_that_was_changed_is_told_from_the_one_that_was_read(made, tmp_path):
    folder = shutil.copytree(made.notes.folder, tmp_path / "notes")
    text = (folder / "notes-1.jsonl").read_text().replace("makes 3 datasets", "makes 9 datasets")
    (folder / "notes-1.jsonl").write_text(text)
    way = trace(made.store, small.note_id("plain-3"), made.manifest, lambda file: str(folder / file), reread=reread)
    assert way.reading.outcome == "differs"
    assert way.location == str(folder / "notes-1.jsonl")


def test_a_record_that_cannot_be_read_again_differs(made):
    def broken(location, origin):
        message = f"{location}: no record at {origin.offset}"
        raise Damaged(message)

    way = trace(made.store, small.note_id("plain-3"), made.manifest, reread=broken)
    assert way.reading.outcome == "differs"
    assert "no record at" in way.reading.message


def test_without_any_run_record_the_file_has_to_be_given(made, tmp_path):
    store = Store(str(shutil.copytree(made.store.url, tmp_path / "store")))
    shutil.rmtree(tmp_path / "store" / "runs")
    way = trace(store, small.note_id("plain-3"), made.manifest, reread=reread)
    assert (way.location, way.reading.outcome) == (None, "missing")
    assert "no run says where notes-1.jsonl is" in way.reading.message


def test_the_last_run_that_made_the_version_says_where_its_files_are(tmp_path):
    store = Store(str(tmp_path / "store"))
    for name in ("first", "second"):
        notes = small.Notes(small.write_notes(tmp_path / name))
        manifest = run(small.recipe(), notes, store=store).manifest
    other = small.Notes(small.write_notes(tmp_path / "other"))
    run(small.recipe(min_words=1), other, store=store)
    way = trace(store, small.note_id("plain-3"), manifest)
    assert way.location == str(tmp_path / "second" / "notes-1.jsonl")


def test_a_row_that_nobody_came_across_has_no_way_back(made):
    with pytest.raises(NotFound, match="never came across row 0000"):
        trace(made.store, b"\0" * 16, made.manifest)


def test_the_way_back_is_plain_json(made):
    child = next(row_id for row_id in made.ids() if trace(made.store, row_id, made.manifest).made_by)
    told = json.loads(json.dumps(trace(made.store, child, made.manifest, reread=reread).to_json()))
    assert told["id"] == child.hex()
    assert told["parents"][0]["origin"]["file"] == "notes-0.jsonl"
    assert told["parents"][0]["id"] == small.note_id("plain-2").hex()


def test_a_chain_is_the_parts_of_a_recipe_and_its_ancestry_the_same_backwards(made):
    chain = recipe_chain(made.store, made.manifest)
    assert [part.id for part in chain] == [part.id for part in ancestry(made.store, made.manifest)][::-1]
    assert [(step.number, step.part, step.step) for step in chain_steps(chain)] == [
        (0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3), (3, 1, 0), (4, 1, 1), (4, 2, 0), (5, 2, 1), (6, 2, 2), (7, 2, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("step", [small.Words(), Only("ja", small.Kana()), Only("en", Only("ja", small.Kana()))])
def test_a_recorded_step_has_the_title_that_the_step_itself_has(step):
    assert step_title(json.loads(canonical.encode(step))) == step.title
