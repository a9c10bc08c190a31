import json
from dataclasses import dataclass

import pytest

from manifests.errors import NotFound
from manifests.explain import why
from manifests.lineage import recipe_chain
from manifests.run import run
from manifests.shard import read_parquet
from manifests.stage import Recipe, Rejected, Stage
from manifests.store import Store
from manifests.story import sentence
from manifests.view import View
from tests.manifests import small, stages


def story(made, name):
    return why(made.store, small.note_id(name), made.manifest)


def ledger_lines(store, part):
    return [line for table in part.ledger.values for line in read_parquet(store.get(table)).to_pylist()]


def outcomes(told):
    return {step.title: step.outcome for step in told.steps}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("short", "dropped by Words: words/few: 3 words, at least 5 are asked for"),
        ("long", "dropped by Words: words/many: 60 words, at most 50 are allowed"),
        ("loud-2", "dropped by Words: words/loud: capital share 0.6, at most 0.5 is allowed"),
        ("kanji", "dropped by Kana (ja): kana/few: hiragana share 0, at least 0.2 is asked for"),
        ("plain-5", "kept: passed 4 rules in 2 steps, the closest words/few: 5 words, at least 5 are asked for"),
        (
            "untidy",
            "kept: passed 4 rules in 2 steps, altered by Tidy, "
            "the closest words/many: 14 words, at most 50 are allowed",
        ),
        ("plain-2", "replaced by 3 rows that Sentences made from it"),
    ],
)
def test_the_verdict_is_one_sentence(made, name, words):
    assert sentence(story(made, name)) == words


def test_a_copy_names_the_twin_that_stays(made):
    told = story(made, "copy-1")
    twin = told.steps[-1].twin
    assert sentence(told) == (
        f"dropped by Copies: 1.00 similar to {small.note_id('copy-2').hex()} https://www.en.example/copy-2, "
        "which is kept"
    )
    assert (twin.id, twin.kept) == (small.note_id("copy-2"), True)
    assert twin.excerpt == "a Factory that makes the same thing every day"


def test_a_twin_that_was_dropped_itself_later_is_told_so(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    manifest = run(small.recipe(min_chars=48), notes, store=store).manifest
    assert "which was dropped later" in sentence(why(store, small.note_id("copy-1"), manifest))


def test_every_step_is_told_with_every_value_until_the_one_that_refused(made):
    told = story(made, "short-and-loud")
    assert [(step.number, step.title, step.outcome) for step in told.steps] == [
        (0, "Input", "kept"),
        (1, "Words", "dropped"),
    ]
    checks = {check.rule.reason: (check.value, check.passed, check.margin) for check in told.steps[-1].checks}
    assert checks == {"words/few": (2, False, -3), "words/many": (2, True, 48), "words/loud": (1, False, -0.5)}
    assert told.steps[-1].decision.reason == "words/few"


def test_the_steps_of_all_parts_are_counted_through(made):
    steps = story(made, "plain-1").steps
    titles = ["Input", "Words", "Kana (ja)", "Tidy", "Copies", "HideMail", "Sentences", "Short"]
    assert [(step.number, step.title) for step in steps] == list(enumerate(titles))
    assert len({step.manifest for step in steps}) == 3


def test_a_step_for_another_language_measured_nothing(made):
    assert story(made, "plain-1").steps[2].checks == ()
    assert [check.value > 0.2 for check in story(made, "kana").steps[2].checks] == [True]


def test_an_alteration_is_shown_by_the_lines_that_differ_where_the_text_before_was_stored(made):
    assert outcomes(story(made, "mail"))["HideMail"] == "altered"
    assert story(made, "mail").steps[5].changes == ("-keys@factory.example", "+<mail>")
    assert outcomes(story(made, "untidy"))["Tidy"] == "altered"
    assert story(made, "untidy").steps[3].changes == ()


def test_a_row_that_was_made_begins_with_its_parent(made):
    parent = story(made, "plain-2")
    assert outcomes(parent)["Sentences"] == "left"
    stories = [why(made.store, child, made.manifest) for child in parent.children]
    assert [told.kept for told in stories] == [True, True, False]
    for told in stories:
        assert told.steps[0].title == "Sentences"
        assert told.steps[0].outcome == "made"
        assert told.parents[0].id == small.note_id("plain-2")
        assert told.parents[0].sentence == "replaced by 3 rows that Sentences made from it"
    assert sentence(stories[2]) == (
        "dropped by Short: short/chars: 2 chars, at least 8 are asked for; "
        f"made by Sentences from {small.note_id('plain-2').hex()}"
    )


def test_of_two_steps_that_make_rows_the_right_one_is_named(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    manifest = run(Recipe("twice", (small.Sentences(), stages.Copies(2))), notes, store=store).manifest
    told = [why(store, row.id, manifest) for row in View(store, manifest)]
    assert {tuple(outcomes(one).items()) for one in told} == {(("Copies", "made"),)}
    sentences = why(store, small.note_id("plain-2"), manifest)
    assert outcomes(sentences)["Sentences"] == "left"
    assert outcomes(why(store, small.note_id("plain-1"), manifest))["Copies"] == "left"
    middle = why(store, sentences.children[0], manifest)
    assert outcomes(middle) == {"Sentences": "made", "Copies": "left"}
    assert len(middle.children) == 2


def test_a_row_that_was_refused_as_soon_as_it_was_made_is_told_with_its_parent(tmp_path):
    @dataclass(frozen=True, slots=True)
    class Unwanted(Stage):
        def __call__(self, rows):
            for row in rows:
                yield row
                yield Rejected(row.derive(text="nobody wants this"), "unwanted/reply", value=0.1, threshold=0.5)

    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    manifest = run(Recipe("unwanted", (small.Words(), Unwanted())), notes, store=store).manifest
    refused = [row for row in ledger_lines(store, manifest) if row["reason"] == "unwanted/reply"]
    assert len(refused) == 16
    told = why(store, refused[0]["id"], manifest)
    parent = told.parents[0].id.hex()
    assert sentence(told) == f"dropped by Unwanted: unwanted/reply: 0.1, threshold 0.5; made by Unwanted from {parent}"


def test_a_line_that_is_no_note_is_dropped_at_the_input(made):
    lines = ledger_lines(made.store, recipe_chain(made.store, made.manifest)[0])
    ids = [line["id"] for line in lines if line["reason"] == "input/not_json"]
    assert [sentence(why(made.store, row_id, made.manifest)) for row_id in ids] == ["dropped by Input: input/not_json"]


def test_a_record_that_repeats_an_id_does_not_change_the_story_of_the_row_that_stays(tmp_path):
    folder = small.write_notes(tmp_path / "notes")
    line = {"name": "plain-1", "language": "en", "text": "much too short"}
    (folder / "notes-9.jsonl").write_text(f"{json.dumps(line)}\n")
    again = {"name": "plain-6", "language": "en", "text": "the same id and another text that stays out"}
    (folder / "notes-8.jsonl").write_text(f"{json.dumps(again)}\n")
    store = Store(str(tmp_path / "store"))
    manifest = run(small.recipe(), small.Notes(folder), store=store).manifest
    assert why(store, small.note_id("plain-1"), manifest).kept
    told = why(store, small.note_id("plain-6"), manifest)
    assert told.kept
    assert told.steps[1].checks[0].value == 6
    assert sentence(told).endswith("; 1 other record with the same id refused: input/repeated_id")


def test_the_story_of_every_row_agrees_with_what_the_dataset_holds(made):
    chain = recipe_chain(made.store, made.manifest)
    seen = {line["id"] for part in chain for line in ledger_lines(made.store, part)}
    shown = made.ids()
    assert shown < seen
    for row_id in seen:
        told = why(made.store, row_id, made.manifest)
        assert told.kept == (row_id in shown)
        assert told.kept == (told.steps[-1].outcome not in {"dropped", "left"})
        assert all(check.passed for step in told.steps[:-1] for check in step.checks)
        assert json.loads(json.dumps(told.to_json()))["id"] == row_id.hex()


def test_a_row_that_the_recipe_never_came_across_is_told_so(made):
    with pytest.raises(NotFound, match="never came across row 0000"):
        why(made.store, b"\0" * 16, made.manifest)


def test_a_version_is_asked_and_not_those_made_from_it(made):
    first = recipe_chain(made.store, made.manifest)[0]
    assert why(made.store, small.note_id("copy-1"), first).kept


def test_a_dataset_made_from_another_one_tells_the_whole_way(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    run(small.recipe(), notes, store=store, tag="small")
    manifest = run(Recipe("longer", (stages.Length(45),)), "small", store=store).manifest
    told = why(store, small.note_id("plain-1"), manifest)
    assert sentence(told) == "dropped by Length: length/too_long: 50 chars, at most 45 are allowed"
    assert [step.number for step in told.steps] == list(range(9))
