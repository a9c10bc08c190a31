"""Selections that take text out of rows."""

from dataclasses import dataclass

import numpy as np
import pytest

from manifests.check import fsck
from manifests.collect import gc
from manifests.cuts import Cuts
from manifests.diff import diff
from manifests.errors import BadRecipe
from manifests.explain import why
from manifests.forget import forget
from manifests.rows import Conversation, Document, Message, Row, row_hash, row_id
from manifests.run import run
from manifests.shard import read_parquet
from manifests.stage import Only, Recipe, Selected, Selection
from manifests.store import Store
from manifests.story import sentence
from manifests.tables import print_story
from manifests.view import View
from manifests.what_if import what_if
from tests.manifests.stages import CutWord, Length, SameLast, Source

TEXTS = ("menu\nfirst page", "menu\nsecond page", "menu ", "nothing of the kind", "の menu と menu", "long " * 30)


@dataclass(frozen=True)
class Unit:
    made: tuple[Row, ...]

    @property
    def key(self):
        return [row.hex for row in self.made]

    @property
    def file(self):
        return "a test"

    def rows(self):
        yield from self.made


FIRST, SECOND, ONLY, OTHER, TWICE, LONG = IDS = [row_id("document", "pages", str(n)) for n in range(len(TEXTS))]
PAGES = [
    Document(id=one, source="pages", text=text, token_count=9, url=f"https://a.example/{n}", scores={"s": 0.5})
    for n, (one, text) in enumerate(zip(IDS, TEXTS, strict=True))
]
SHARDS = Source((Unit(tuple(PAGES[:2])), Unit(tuple(PAGES[2:5])), Unit(tuple(PAGES[5:]))))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def make(store, *steps, tag="cut"):
    return run(Recipe("r", (Length(100), *(steps or (CutWord("menu"),)))), SHARDS, store=store, tag=tag)


def rows(store, manifest):
    return {row.id: row for row in View(store, manifest)}


def decisions(store, manifest):
    tables = [read_parquet(store.get(digest)).to_pylist() for digest in manifest.ledger.decisions]
    return {line["id"]: line for table in tables for line in table}


def test_what_is_cut_is_gone_from_the_text_and_the_row_is_still_the_same_row(store):
    left = rows(store, make(store).manifest)
    assert {one: row.text for one, row in left.items()} == {
        FIRST: "menu\nfirst page",
        SECOND: "\nsecond page",
        OTHER: "nothing of the kind",
        TWICE: "の  と ",
    }
    edited = left[SECOND]
    assert (edited.token_count, edited.url, edited.scores) == (None, "https://a.example/1", {"s": 0.5})
    assert left[FIRST] == PAGES[0]
    assert row_hash(edited) != row_hash(PAGES[1])


def test_a_row_of_which_nothing_is_left_is_dropped_for_a_reason_of_its_own(store):
    made = make(store).manifest
    line = decisions(store, made)[ONLY]
    assert (line["action"], line["reason"], line["value"], line["twin"]) == ("dropped", "word/nothing_left", 0.8, FIRST)
    assert made.steps[1].reasons == {"word/nothing_left": 1}
    counts = made.steps[1]
    assert (counts.rows_in, counts.kept, counts.dropped, counts.altered) == (5, 4, 1, 2)


def test_the_ledger_says_how_much_was_cut_who_keeps_it_and_what_the_row_became(store):
    line = decisions(store, make(store).manifest)[TWICE]
    assert (line["action"], line["reason"], line["twin"]) == ("altered", "word/repeated", FIRST)
    assert (line["value"], line["payload"].decode()) == (pytest.approx(8 / 13), "の  と ")


def test_a_shard_in_which_nothing_is_cut_is_not_written_again(store):
    before = run(Recipe("r", ()), SHARDS, store=store, tag="all").manifest
    after = run(Recipe("s", (CutWord("kind"),)), "all", store=store).manifest
    assert after.entries == before.entries
    after = run(Recipe("s", (CutWord("page"),)), "all", store=store).manifest
    assert [old.shard == new.shard for old, new in zip(before.entries, after.entries, strict=True)] == [
        False,
        True,
        True,
    ]


def test_a_version_with_cuts_is_sound_and_the_same_run_again_makes_nothing(store):
    first, second = make(store), make(store)
    assert (second.made, second.manifest.id) == (0, first.manifest.id)
    assert fsck(store, deep=True) == []
    assert gc(store, grace_s=0).garbage == ()


def test_a_cut_works_on_a_masked_shard_and_masks_work_on_a_cut_one(store):
    made = make(store, SameLast(), CutWord("nothing"), CutWord("page"), CutWord("menu"), SameLast()).manifest
    assert fsck(store, deep=True) == []
    texts = [row.text for row in rows(store, made).values()]
    assert (sum("menu" in text for text in texts), sum("page" in text for text in texts)) == (1, 1)


def test_why_shows_what_was_cut_and_the_row_that_keeps_it(store, capsys):
    manifest = make(store).manifest
    story = why(store, SECOND, manifest)
    step = story.steps[-1]
    assert (step.outcome, step.cut.reason, step.twin.id, step.decision) == ("altered", "word/repeated", FIRST, None)
    assert step.changes == ("-menu", "+")
    assert "altered by CutWord" in sentence(story)
    assert story.to_json()["steps"][-1]["cut"]["share"] == pytest.approx(4 / 16)
    print_story(story)
    assert "word/repeated: 25% of its characters were taken out" in capsys.readouterr().out
    assert "dropped by CutWord" in sentence(why(store, ONLY, manifest))


def test_a_diff_names_the_selection_that_altered_a_row(store):
    run(Recipe("r", (Length(100),)), SHARDS, store=store, tag="cut")
    made = make(store)
    found = diff(store, "cut@1", made.manifest)
    assert found.reasons["changed"] == {"altered by CutWord": 2}
    assert found.reasons["removed"] == {"word/nothing_left": 1}
    change = next(one for one in found.changes("changed") if one.row.id == SECOND)
    assert (change.before.text, change.row.text) == ("menu\nsecond page", "\nsecond page")


def test_what_if_knows_that_cuts_are_decided_on_all_rows_together(store):
    run(Recipe("r", (Length(200), CutWord("menu"))), SHARDS, store=store, tag="cut")
    answer = what_if(store, store.manifest("cut"), "length/too_long", 12)
    assert (answer.final.rows, answer.at_least, answer.at_most) == (5, 0, 1)


def test_a_takedown_reaches_a_cut_row(store):
    make(store)
    done = forget(store, TWICE, purge=True)
    assert TWICE not in rows(store, store.manifest("cut"))
    assert done.twins == ()
    assert fsck(store, deep=True) == []
    assert gc(store, grace_s=0).garbage == ()


def test_rows_that_only_lost_text_are_no_twins_of_the_row_that_keeps_it(store):
    make(store)
    assert forget(store, FIRST).twins == (ONLY.hex(),)


def test_text_is_taken_out_of_documents_only(store):
    @dataclass(frozen=True)
    class CutAll(Selection):
        def select(self, view, map):  # noqa: ARG002
            place = np.zeros(1, np.int64)
            return Selected((), cuts=[Cuts(0, "test/cut", "test/nothing_left", place, place, place + 1)])

    chat = Conversation(id=row_id("conversation", "test", "1"), messages=(Message("user", "menu"),))
    with pytest.raises(BadRecipe, match="documents only, and these rows are of the kind conversation"):
        run(Recipe("r", (Only("ja", Length()), CutAll())), Source((Unit((chat,)),)), store=store)
