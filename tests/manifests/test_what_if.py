import json
import math
from collections import Counter
from dataclasses import dataclass

import pytest

from manifests.answer import sentence
from manifests.errors import Ambiguous, BadRecipe, NotFound
from manifests.lineage import chain_steps, recipe_chain
from manifests.run import run
from manifests.stage import Drop, Only, Recipe, Selected, Selection, Stage, at_least
from manifests.store import Store
from manifests.view import View
from manifests.what_if import what_if
from tests.manifests import small, stages

LITERALS = {"words/few": "min_words", "words/loud": "max_capitals", "kana/few": "min_share", "short/chars": "min_chars"}


@dataclass(frozen=True, slots=True)
class Beginning(Stage):
    """Each note, and a row made of its first words."""

    def __call__(self, rows):
        for row in rows:
            yield row
            yield row.derive(text=" ".join(row.text.split()[:3]))


@dataclass(frozen=True, slots=True)
class Half(Selection):
    """The half of the rows with the smaller ids."""

    def select(self, view, map):  # noqa: ARG002
        places = sorted((row.id, part.ordinal, n) for part in view.slices for n, row in enumerate(part.rows()))
        return Selected([Drop(ordinal, row, "half/other") for _, ordinal, row in places[len(places) // 2 :]])


@dataclass(frozen=True, slots=True)
class Least(Selection):
    """The rows with so many words at least, none of them in another's place."""

    words: int

    def rules(self):
        return at_least("least/few", "least/words", self.words)

    def select(self, view, map):  # noqa: ARG002
        counted = [
            (part.ordinal, n, len(row.text.split())) for part in view.slices for n, row in enumerate(part.rows())
        ]
        return Selected([Drop(at, n, "least/few", words, self.words) for at, n, words in counted if words < self.words])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A store with the small dataset as it is made without a selection, and its notes."""
    folder = tmp_path_factory.mktemp("plain")
    notes = small.Notes(small.write_notes(folder / "notes"))
    store = Store(str(folder / "store"))
    return store, notes, run(small.recipe(selects=False), notes, store=store).manifest


def rows(store, manifest):
    return {row.id: row for row in View(store, manifest)}


def kept(store, manifest):
    return {step.title: step.record.kept for step in chain_steps(recipe_chain(store, manifest))}


@pytest.mark.parametrize(
    ("reason", "threshold"),
    [
        ("words/few", 6),
        ("words/few", 9.5),
        ("words/few", 15),
        ("words/few", 1_000),
        ("words/loud", 0.05),
        ("kana/few", 0.35),
        ("short/chars", 21),
        ("short/chars", 47),
    ],
)
def test_what_a_tighter_threshold_would_take_is_what_it_takes_when_it_is_run(plain, reason, threshold):
    store, notes, manifest = plain
    answer = what_if(store, manifest, reason, threshold)
    after = run(small.recipe(selects=False, **{LITERALS[reason]: threshold}), notes, store=store).manifest
    before, left = rows(store, manifest), rows(store, after)
    lost = [row for row_id, row in before.items() if row_id not in left]
    assert answer.exact
    assert answer.at_least == after.rows
    assert answer.final.rows == len(lost)
    assert answer.final.chars == sum(len(row.text) for row in lost)
    assert answer.final.languages == Counter(row.language for row in lost)
    assert answer.final.domains == Counter(f"{row.language}.example" for row in lost)
    assert answer.final.examples == tuple(sorted(row.id for row in lost)[:5])
    assert answer.at_step.rows == kept(store, manifest)[answer.title] - kept(store, after)[answer.title]


@pytest.mark.parametrize(
    ("reason", "threshold"),
    [("words/few", 3), ("words/few", 0), ("words/loud", 0.6), ("words/loud", 1), ("kana/few", 0), ("short/chars", 1)],
)
def test_what_a_looser_threshold_would_bring_lies_within_the_bounds(plain, reason, threshold):
    store, notes, manifest = plain
    answer = what_if(store, manifest, reason, threshold)
    after = run(small.recipe(selects=False, **{LITERALS[reason]: threshold}), notes, store=store).manifest
    assert answer.at_least <= after.rows
    assert answer.at_most is None or after.rows <= answer.at_most
    assert answer.exact == (reason == "short/chars")
    assert answer.at_step.rows == kept(store, after)[answer.title] - kept(store, manifest)[answer.title]


def test_rows_that_another_rule_of_the_step_refuses_are_told_apart(plain):
    store, _, manifest = plain
    answer = what_if(store, manifest, "words/few", 2)
    assert answer.at_step.examples == tuple(sorted([small.note_id("short"), small.note_id("short-2")]))
    assert answer.refused_else == {"words/loud": 1}
    assert answer.next_step == "Kana (ja)"
    assert sentence(answer) == (
        "words/few at 2 instead of 5: Words would let through 2 more rows (25 characters); "
        "others it would still refuse (words/loud 1); what Kana (ja) and later steps would do with them is not known; "
        "at least 16 rows would stay"
    )


def test_the_last_step_lets_rows_through_for_certain(plain):
    store, _, manifest = plain
    answer = what_if(store, manifest, "short/chars", 2)
    assert (answer.final.rows, answer.at_least, answer.at_most) == (1, 17, 17)


def test_a_copy_may_come_back_for_a_row_that_goes(made, tmp_path):
    answer = what_if(made.store, made.manifest, "words/loud", 0.05)
    store = Store(str(tmp_path / "store"))
    after = run(small.recipe(max_capitals=0.05), made.notes, store=store).manifest
    assert answer.at_least <= after.rows
    assert answer.at_most is None or after.rows <= answer.at_most


def test_a_survivor_that_goes_names_the_copies_it_stayed_for(tmp_path):
    notes = small.write_notes(tmp_path / "notes")
    for number in range(64):  # the survivor is the one with the smallest id: find names that make it the loud one
        names = [f"loud-{number}", f"quiet-{number}"]
        if small.note_id(names[0]) < small.note_id(names[1]):
            break
    texts = ["a factory that makes WHAT NOBODY ELSE makes", "a factory that makes what nobody else makes"]
    lines = [{"name": name, "language": "en", "text": text} for name, text in zip(names, texts, strict=True)]
    (notes / "more.jsonl").write_text("\n".join(map(json.dumps, lines)))
    store = Store(str(tmp_path / "store"))

    def recipe(max_capitals):
        return Recipe("copies", (small.Words(max_capitals=max_capitals), small.Tidy(), small.Copies()))

    manifest = run(recipe(0.5), small.Notes(notes), store=store).manifest
    answer = what_if(store, manifest, "words/loud", 0.3)
    after = run(recipe(0.3), small.Notes(notes), store=store).manifest
    assert answer.final.examples == (small.note_id(names[0]),)
    assert (answer.at_least, answer.at_most) == (manifest.rows - 1, manifest.rows)
    assert after.rows == manifest.rows
    assert "Copies would let at least one each of 1 row come back that it dropped for them" in sentence(answer)
    assert not answer.exact


def test_behind_a_selection_that_weighs_rows_against_each_other_no_number_is_given(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    manifest = run(Recipe("half", (small.Words(), Half())), notes, store=store).manifest
    answer = what_if(store, manifest, "words/few", 9)
    assert (answer.at_least, answer.at_most) == (None, None)
    assert "Half decides on all rows together, and how without these is not known" in sentence(answer)


def test_a_record_that_repeats_an_id_may_come_in_the_place_of_one_that_goes(tmp_path):
    folder = small.write_notes(tmp_path / "notes")
    again = {"name": "plain-5", "language": "en", "text": "the same id and another text that stays out"}
    (folder / "notes-8.jsonl").write_text(f"{json.dumps(again)}\n")
    store = Store(str(tmp_path / "store"))
    manifest = run(small.recipe(selects=False), small.Notes(folder), store=store).manifest
    answer = what_if(store, manifest, "words/few", 6)
    after = run(small.recipe(selects=False, min_words=6), small.Notes(folder), store=store).manifest
    assert answer.final.examples == (small.note_id("plain-5"),)
    assert answer.at_least < after.rows == manifest.rows
    assert "1 row with a repeated id might come in the place of those that go" in sentence(answer)


def test_behind_a_selection_nothing_is_promised_of_rows_that_are_let_through(made):
    answer = what_if(made.store, made.manifest, "words/few", 3)
    assert (answer.at_least, answer.at_most) == (None, None)
    assert sentence(answer).endswith("how many rows would stay is not known")


def test_the_same_threshold_changes_nothing(made):
    answer = what_if(made.store, made.manifest, "words/few", 5)
    assert answer.exact
    assert sentence(answer) == "words/few is at 5 already: nothing would change"


def test_rows_that_were_made_from_a_row_go_with_it(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))

    def recipe(min_words):
        return Recipe("deep", (small.Words(min_words), small.Sentences(), stages.Copies(3), small.Short()))

    manifest = run(recipe(5), notes, store=store).manifest
    answer = what_if(store, manifest, "words/few", 11)
    after = run(recipe(11), notes, store=store).manifest
    assert answer.exact
    assert answer.at_least == after.rows < manifest.rows


def test_a_row_that_was_made_before_the_rule_stays_without_its_parent(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))

    def recipe(max_chars):
        return Recipe("shorter", (small.Words(), Beginning(), stages.Length(max_chars), stages.Copies(2)))

    manifest = run(recipe(80), notes, store=store).manifest
    answer = what_if(store, manifest, "length/too_long", 30)
    after = run(recipe(30), notes, store=store).manifest
    assert answer.exact
    assert answer.at_least == after.rows < manifest.rows


def test_one_reason_in_several_steps_asks_for_a_number(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "store"))
    recipe = Recipe("two", (Only("en", small.Words()), Only("ja", small.Words(7))))
    manifest = run(recipe, notes, store=store).manifest
    with pytest.raises(Ambiguous, match=r"1:words/few \(Words \(en\)\), 2:words/few \(Words \(ja\)\)"):
        what_if(store, manifest, "words/few", 8)
    assert what_if(store, manifest, "2:words/few", 8).title == "Words (ja)"
    assert what_if(store, manifest, "1:words/few", 8).rule.threshold == 5


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("words/fwe", "no step of the recipe has a rule with the reason 'words/fwe'; there are words/few"),
        ("9:words/few", "no step of the recipe has a rule with the reason '9:words/few'; there are words/few"),
        ("input/not_json", "dropped for this reason, but not by a threshold"),
    ],
)
def test_a_reason_that_no_rule_has_is_told_with_those_that_are_near(made, reason, message):
    with pytest.raises(NotFound, match=message):
        what_if(made.store, made.manifest, reason, 1)


def test_a_selection_has_recorded_too_little_to_be_asked_for_more_copies(made):
    with pytest.raises(BadRecipe, match="Copies decides on all rows together"):
        what_if(made.store, made.manifest, "copies/copy", 0.5)


def test_a_selection_that_names_no_twins_has_recorded_too_little_to_be_asked(tmp_path):
    store = Store(str(tmp_path / "store"))
    made = run(Recipe("r", (stages.Length(1_000), Least(3))), stages.numbers(0, 40), store=store).manifest
    with pytest.raises(BadRecipe, match="Least decides on all rows together"):
        what_if(store, made, "least/few", 2)


def test_of_copies_it_is_known_which_are_none_at_a_higher_threshold_and_what_that_does_is_not_promised(made):
    answer = what_if(made.store, made.manifest, "copies/copy", 1.5)
    copies = sorted(small.note_id(name) for name in ("copy-1", "copy-2", "copy-3", "tidy-copy"))[1:]
    assert answer.at_step.examples == tuple(copies)
    assert (answer.at_least, answer.at_most, answer.exact) == (None, None, False)
    assert sentence(answer) == (
        "copies/copy at 1.5 instead of 0.9: Copies would let through 3 more rows (135 characters); what HideMail and "
        "later steps would do with them is not known; how many rows would stay is not known; it dropped them for "
        "1 other row; whether one of them is a twin of yet another row, or would itself take the place of one, was not "
        "compared: to know, run the recipe with this threshold"
    )


def test_at_a_threshold_that_no_copy_is_below_nothing_comes_back(made):
    assert what_if(made.store, made.manifest, "copies/copy", 0.95).at_step.rows == 0


def test_a_threshold_that_is_no_number_is_refused(made):
    for threshold in (math.nan, math.inf):
        with pytest.raises(BadRecipe, match="is no threshold for words/few"):
            what_if(made.store, made.manifest, "words/few", threshold)


def test_the_answer_is_plain_json(made):
    answer = json.loads(json.dumps(what_if(made.store, made.manifest, "words/few", 9).to_json()))
    assert answer["exact"]
    assert answer["rule"]["threshold"] == 5
    assert answer["at_step"]["rows"] == 3
