import json
from dataclasses import dataclass

import pytest

from manifests.diff import NOT_IN_NEW, NOT_IN_OLD, diff
from manifests.errors import BadRecipe
from manifests.forget import forget
from manifests.reasons import NOT_MADE, PARENT, REPLACED
from manifests.rows import Conversation, Document, Message, row_id
from manifests.run import run
from manifests.stage import Recipe, Stage
from manifests.store import Store
from manifests.view import View
from tests.manifests import small
from tests.manifests.conftest import Small
from tests.manifests.indexes import two_versions
from tests.manifests.stages import Source


@dataclass(frozen=True)
class Rows:
    """A unit of given rows, and a source of this one unit."""

    given: tuple
    file: str = "rows"

    @property
    def key(self):
        return [[row.hex, row.payload().hex(), row.language, row.url, row.licence, row.scores] for row in self.given]

    def rows(self):
        return iter(self.given)


@dataclass(frozen=True, slots=True)
class Translated(Stage):
    """Another language under the same text."""

    to: str

    def __call__(self, rows):
        for row in rows:
            yield row.replace(language=self.to)


@dataclass(frozen=True, slots=True)
class Twice(Stage):
    """Two new rows of each."""

    mark: str = "!"

    def __call__(self, rows):
        for row in rows:
            for part in range(2):
                yield row.derive(part=part, text=row.text + self.mark)


def make(store, steps, *rows):
    return run(Recipe("x", tuple(steps)), Source((Rows(rows),)), store=store).manifest


def doc(name, text="some text", **fields):
    return Document(id=row_id("document", "t", name), source="t", text=text, **fields)


def names(changes):
    return {
        change.row.labels["name"]: (change.reason, change.stage, change.value, change.threshold) for change in changes
    }


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The small dataset in a store that these tests may write to."""
    folder = tmp_path_factory.mktemp("diff")
    notes = small.Notes(small.write_notes(folder / "notes"))
    store = Store(str(folder / "store"))
    return Small(store, run(small.recipe(), notes, store=store, tag="small").manifest, notes)


def test_a_removed_document_is_explained_by_the_new_version(made):
    new = run(small.recipe(min_words=6), made.notes, store=made.store).manifest
    found = diff(made.store, made.manifest, new)
    assert names(found.changes("removed")) == {"plain-5": ("words/few", "Words", 5, 6)}
    assert found.reasons == {"removed": {"words/few": 1}, "added": {}, "changed": {}}
    assert found.recipe == ("Words changed: min_words 5 → 6",)
    assert found.thresholds == ("words/few: words/words >= 5 → words/words >= 6",)


def test_an_added_document_is_explained_by_the_old_version(made):
    new = run(small.recipe(max_capitals=None), made.notes, store=made.store).manifest
    found = diff(made.store, made.manifest, new)
    assert names(found.changes()) == {
        "loud": ("words/loud", "Words", 1.0, 0.5),
        "loud-2": ("words/loud", "Words", 0.6, 0.5),
    }
    assert found.thresholds == ("words/loud: words/capital_share <= 0.5 → no rule",)


def test_a_twin_is_named_and_recipes_may_have_different_numbers_of_parts(made):
    old = run(small.recipe(selects=False), made.notes, store=made.store).manifest
    found = diff(made.store, old, made.manifest)
    copies = {small.note_id(name): name for name in ("copy-1", "copy-2", "copy-3", "tidy-copy")}
    survivor = min(copies)
    changes = list(found.changes())
    assert {change.row.id for change in changes} == set(copies) - {survivor}
    assert {(change.what, change.reason, change.stage, change.twin) for change in changes} == {
        ("removed", "copies/copy", "Copies", survivor)
    }


def test_rows_of_a_dropped_parent_name_its_reason(made):
    new = run(small.recipe(min_words=16), made.notes, store=made.store).manifest
    found = diff(made.store, made.manifest, new)
    changes = [change for change in found.changes("removed") if change.row.parents]
    assert {(change.reason, change.value, change.threshold) for change in changes} == {(PARENT + "words/few", 15, 16)}
    assert {change.row.parents for change in changes} == {(small.note_id("plain-2"),)}


def test_rows_that_another_step_makes_have_the_same_parent(store):
    rows = [doc("a"), doc("b")]
    plain, marked, other = make(store, (), *rows), make(store, (Twice(),), *rows), make(store, (Twice("?"),), *rows)
    assert diff(store, plain, marked).reasons == {"removed": {REPLACED: 2}, "added": {NOT_MADE: 4}, "changed": {}}
    assert diff(store, marked, plain).reasons == {"removed": {NOT_MADE: 4}, "added": {REPLACED: 2}, "changed": {}}
    assert diff(store, marked, other).reasons == {"removed": {NOT_MADE: 4}, "added": {NOT_MADE: 4}, "changed": {}}


def test_rows_of_rows_are_followed_to_the_source(store):
    steps = (Twice(), Twice("?"))
    old, new = (
        make(store, steps, doc("a"), doc("b")),
        make(store, (small.Words(1, 1), *steps), doc("a"), doc("b", "one")),
    )
    found = diff(store, old, new)
    assert found.reasons["removed"] == {PARENT + "words/many": 4}
    assert diff(store, make(store, steps, doc("b")), old).reasons["added"] == {NOT_IN_OLD: 4}


def test_a_document_that_no_version_looked_at_is_not_in_the_source(store):
    old, new = make(store, (), doc("a"), doc("b")), make(store, (), doc("b"), doc("c"))
    assert diff(store, old, new).reasons == {"removed": {NOT_IN_NEW: 1}, "added": {NOT_IN_OLD: 1}, "changed": {}}


def test_a_changed_document_names_the_step_that_only_one_version_has(made):
    steps = [step for step in small.recipe().steps if not isinstance(step, small.HideMail)]
    new = run(Recipe("small", tuple(steps)), made.notes, store=made.store).manifest
    (change,) = diff(made.store, made.manifest, new).changes()
    assert (change.what, change.reason, change.stage) == ("changed", "no longer altered by HideMail", "HideMail")
    assert change.fields == ("text",)
    assert "<mail>" in change.before.text
    assert "keys@factory.example" in change.row.text
    (back,) = diff(made.store, new, made.manifest).changes()
    assert (back.reason, back.stage) == ("altered by HideMail", "HideMail")


def test_a_step_with_another_literal_is_the_one_that_changed_a_document(store):
    @dataclass(frozen=True, slots=True)
    class Without(Stage):
        word: str

        def __call__(self, rows):
            for row in rows:
                yield row.replace(text=row.text.replace(self.word, ""))

    text = "one two three"
    old = make(store, (Without("one"), Without("two")), doc("a", text))
    new = make(store, (Without("one"), Without("three")), doc("a", text))
    (change,) = diff(store, old, new).changes()
    assert (change.reason, change.fields) == ("altered by Without", ("text",))


@pytest.mark.parametrize(
    ("changes", "reason", "fields"),
    [
        ({"text": "a longer text"}, "text changed", ("text",)),
        ({"text": "a longer text", "language": "ja"}, "text changed", ("text", "language")),
        ({"text": "same text"}, "content changed", ("text",)),
        ({"language": "ja"}, "language changed", ("language",)),
        ({"url": "https://b.example/x"}, "url changed", ("url",)),
        ({"url": "https://a.example/y"}, "content changed", ("url",)),
        ({"licence": "CC0-1.0"}, "content changed", ("licence",)),
    ],
)
def test_what_changed_in_the_source_is_told_apart(store, changes, reason, fields):
    row = doc("a", language="en", url="https://a.example/x")
    (change,) = diff(store, make(store, (), row), make(store, (), row.replace(**changes))).changes()
    assert (change.what, change.reason, change.stage, change.fields) == ("changed", reason, None, fields)


def test_a_step_that_sets_the_language_only_is_seen_in_the_facts(store):
    old, new = make(store, (Translated("en"),), doc("a")), make(store, (Translated("ja"),), doc("a"))
    found = diff(store, old, new)
    assert found.reasons["changed"] == {"language changed": 1}
    assert found.groups("language").rows() == [("ja", 0, 1, 1, 0, 9, 9), ("en", 1, 0, -1, 9, 0, -9)]


def test_a_repeated_id_never_hides_the_reason(store):
    old = make(store, (), doc("a"))
    new = make(store, (small.Words(9),), doc("a"), doc("a", "another text of the same id"))
    assert diff(store, old, new).reasons["removed"] == {"words/few": 1}


def test_equal_versions_differ_in_nothing(made):
    found = diff(made.store, "small@1", made.manifest.id)
    assert (found.rows.removed, found.rows.added, found.rows.changed) == (0, 0, 0)
    assert found.rows.unchanged == made.manifest.rows
    assert found.shards.shared == len(made.manifest.entries)
    assert found.recipe == found.thresholds == found.sources_added == found.sources_removed == ()
    assert list(found.changes()) == []


def test_versions_that_share_nothing_and_empty_ones_can_be_compared(store):
    some, others = make(store, (), doc("a"), doc("b")), make(store, (), doc("c"))
    none = make(store, (small.Words(99),), doc("d"))
    assert none.rows == 0
    assert diff(store, some, others).rows.removed == 2
    assert diff(store, some, none).reasons["removed"] == {NOT_IN_NEW: 2}
    assert diff(store, none, some).reasons["added"] == {NOT_IN_OLD: 2}
    assert diff(store, none, none).to_json()["documents"] == []


def test_a_version_may_come_from_another_dataset(made):
    short = run(Recipe("short", (small.Short(45),)), "small", store=made.store).manifest
    found = diff(made.store, made.manifest, short)
    assert set(found.reasons["removed"]) == {"short/chars"}
    assert found.recipe == ("Short added",)
    assert found.rows.removed == made.manifest.rows - short.rows > 0


def test_rows_of_different_kinds_cannot_be_compared(store):
    chat = Conversation(id=row_id("conversation", "t", "a"), source="t", messages=(Message("user", "hello"),))
    with pytest.raises(BadRecipe, match=r"kind document.*kind conversation"):
        diff(store, make(store, (), doc("a")), make(store, (), chat))


def test_conversations_are_compared_too(store):
    chat = Conversation(id=row_id("conversation", "t", "a"), source="t", messages=(Message("user", "hello"),))
    longer = chat.replace(messages=(*chat.messages, Message("assistant", "hi")))
    (change,) = diff(store, make(store, (), chat), make(store, (), longer)).changes()
    assert (change.reason, change.fields) == ("text changed", ("messages",))
    assert json.loads(change.to_json()["preview"])[1]["content"] == "hi"


def test_sources_are_compared_by_name_and_digest(made, tmp_path):
    folder = small.write_notes(tmp_path)
    (folder / "notes-1.jsonl").write_text("{}")
    (folder / "notes-2.jsonl").unlink()
    (folder / "notes-1.jsonl").write_text((folder / "notes-0.jsonl").read_text()[:-1])
    new = run(small.recipe(), small.Notes(folder), store=made.store).manifest
    found = diff(made.store, made.manifest, new)
    assert [record.file for record in found.sources_removed] == ["notes-1.jsonl", "notes-2.jsonl"]
    assert [record.file for record in found.sources_added] == ["notes-1.jsonl"]
    assert found.reasons["removed"][NOT_IN_NEW] == found.rows.removed


def test_changes_can_be_asked_for_by_kind_reason_and_number(store):
    old = make(store, (), *[doc(str(n)) for n in range(9)])
    new = make(store, (small.Words(2),), *[doc(str(n), "some text" if n < 3 else "one") for n in range(8)])
    found = diff(store, old, new)
    assert len(list(found.changes())) == 6
    assert len(list(found.changes(limit=2))) == 2
    assert {change.row.id for change in found.changes("removed", NOT_IN_NEW)} == {doc("8").id}
    assert list(found.changes("added")) == list(found.changes(reason="no/such")) == []


def test_a_diff_as_json_is_plain_and_complete(made):
    new = run(small.recipe(min_words=16, min_chars=3), made.notes, store=made.store).manifest
    found = diff(made.store, made.manifest, new)
    told = json.loads(json.dumps(found.to_json(limit=3, preview_chars=7, scores=True)))
    assert told["rows"]["removed"] == sum(told["reasons"]["removed"].values())
    assert told["totals"]["rows"]["difference"] == new.rows - made.manifest.rows
    assert {len(change["preview"]) for change in told["documents"]} == {7}
    assert sum(group["rows"] for group in told["languages"]) == new.rows - made.manifest.rows


def test_groups_count_the_visible_rows_of_both_versions(made):
    new = run(small.recipe(max_capitals=None, selects=False), made.notes, store=made.store).manifest
    counted = {language: [0, 0] for language in ("en", "ja")}
    for side, manifest in enumerate((made.manifest, new)):
        for row in View(made.store, manifest):
            counted[row.language][side] += 1
    groups = diff(made.store, made.manifest, new).groups("language")
    assert {group: [old, new] for group, old, new, *_ in groups.iter_rows()} == counted
    assert groups["new_chars"].sum() == new.chars


def test_scores_are_compared_by_name_over_rows_of_both(store):
    rows = [doc(str(n), scores={"q": n / 10, "only_old": 1.0} if n else {}) for n in range(4)]
    better = [row.replace(scores={"q": 0.1 if n == 1 else 0.7} if n else {}) for n, row in enumerate(rows[:3])]
    old, new = make(store, (), *rows), make(store, (), *better)
    found = diff(store, old, new)
    assert (found.rows.changed, found.rows.removed) == (0, 1)
    (score,) = found.scores()
    assert (score.name, score.rows, score.changed) == ("q", 2, 1)
    assert (round(score.old_mean, 4), round(score.new_mean, 4)) == (0.15, 0.4)
    assert diff(store, old, old).scores() == []


@pytest.mark.parametrize("first", [{}, {"min_words": 6}, {"selects": False}])
@pytest.mark.parametrize("second", [{"min_words": 16}, {"max_capitals": None, "min_share": 0.0}, {"min_chars": 40}])
def test_every_absence_is_explained_by_a_line_of_the_ledger(made, first, second):
    old, new = (run(small.recipe(**change), made.notes, store=made.store).manifest for change in (first, second))
    found = diff(made.store, old, new)
    ids = [{row.id for row in View(made.store, manifest)} for manifest in (old, new)]
    assert {change.row.id for change in found.changes("removed")} == ids[0] - ids[1]
    assert {change.row.id for change in found.changes("added")} == ids[1] - ids[0]
    for change in [*found.changes("removed"), *found.changes("added")]:
        reason, rules = change.reason.removeprefix(PARENT), [*small.Words().rules(), *small.Kana().rules()]
        assert reason in {rule.reason for rule in rules} | {"copies/copy", "short/chars"}, change
        assert change.value is not None


def test_large_versions_are_compared_bucket_by_bucket_and_explained(store):
    old, new = two_versions(store, 300_000)
    found = diff(store, old, new)
    assert len(old.index) == len(new.index) == 2
    assert found.rows.removed + found.rows.unchanged + found.rows.changed == old.rows
    assert found.rows.added + found.rows.unchanged + found.rows.changed == new.rows
    for what in ("removed", "added"):
        assert found.reasons[what] == {"length/too_long": getattr(found.rows, what)}
        assert getattr(found.rows, what) == pytest.approx(3_000, rel=0.1)
    assert found.reasons["changed"] == {"content changed": found.rows.changed}
    assert found.groups("domain")["rows"].sum() == new.rows - old.rows


def test_a_row_that_was_taken_down_is_named_as_such(store):
    source = Source((Rows((doc("a"), doc("b"))),))
    old = run(Recipe("x", ()), source, store=store, tag="x").manifest
    forget(store, doc("a").id)
    (change,) = diff(store, old, "x").changes()
    assert (change.what, change.reason, change.row.id) == ("removed", "forget/takedown", doc("a").id)
