"""Addresses, lines and paragraphs as steps of a recipe, over a real store."""

import pytest

from dedup.exact import ExactDedup
from dedup.lines import LineDedup
from dedup.urls import UrlDedup
from manifests.check import fsck
from manifests.errors import BadRecipe
from manifests.explain import why
from manifests.rows import Document
from manifests.run import run
from manifests.stage import Recipe
from manifests.story import sentence
from manifests.view import View
from tests.dedup.memory import named
from tests.dedup.test_in_a_run import Unit, chat, stored

MENU = "Home | Reasons | Contact the workshop"
STEPS = (UrlDedup(), LineDedup(scope="site", keep="none", min_count=3), LineDedup(unit="paragraph"))


def page(name, url, text, date="2024-01-01"):
    return Document(id=named(name), source="test", url=url, date=date, text=text)


PAGES = [
    page("old", "https://w.example/1?utm_source=x", f"{MENU}\nan old text", date="2020-01-01"),
    page("new", "https://www.w.example/1#top", f"{MENU}\na newer text"),
    page("two", "https://w.example/2", f"{MENU}\na second text\n\nEvery row says why."),
    page("three", "https://w.example/3", f"a third text\n{MENU}"),
    page("menu", "https://w.example/menu", MENU),
    page("other", "https://other.example/2", f"{MENU}\n\nevery row says: why"),
]


def made_of(folder, *units, steps=STEPS):
    """Return a store and what the steps make of rows, a shard of each unit."""
    store = stored(str(folder / "store"), *[Unit(tuple(unit)) for unit in units])
    return store, run(Recipe("levels", steps), "all", store=store).manifest


def test_each_level_takes_its_part_and_each_row_says_which(tmp_path):
    store, manifest = made_of(tmp_path, PAGES[:3], PAGES[3:])
    texts = {row.id: row.text for row in View(store, manifest)}
    assert texts[named("new")] == "a newer text"
    assert texts[named("three")] == "a third text"
    assert {one for one in ("old", "menu") if named(one) in texts} == set()
    assert sum("very row says" in text for text in texts.values()) == 1
    assert sentence(why(store, named("old"), manifest)) == (
        f"dropped by UrlDedup: a copy of {named('new').hex()} https://www.w.example/1#top, which is kept"
    )
    assert "line/nothing_left" in sentence(why(store, named("menu"), manifest))
    [step] = [step for step in why(store, named("three"), manifest).steps if step.cut]
    assert (step.cut.reason, step.twin, step.changes) == ("line/repeated", None, (f"-{MENU}",))
    assert fsck(store, deep=True) == []


def test_order_and_shards_have_no_say_in_what_is_left(tmp_path):
    _, first = made_of(tmp_path / "one", PAGES)
    _, second = made_of(tmp_path / "other", PAGES[4:][::-1], PAGES[:4][::-1])
    assert second.content == first.content


def test_another_count_reads_no_text_again(tmp_path):
    store, _ = made_of(tmp_path, PAGES, steps=(LineDedup(scope="site", keep="none", min_count=3),))
    before = set(store.files.keys("actions"))
    run(Recipe("levels", (LineDedup(scope="site", keep="none", min_count=4),)), "all", store=store)
    assert len(set(store.files.keys("actions")) - before) == 1


def test_conversations_are_exact_duplicates_by_what_the_user_said(tmp_path):
    first = chat("a", ("user", "hello"), ("assistant", "one reply"), ("user", "bye"))
    second = chat("b", ("user", "hello"), ("assistant", "another"), ("user", " bye"))
    _, manifest = made_of(tmp_path, [first, second, chat("c", ("user", "hello bye"))], steps=(ExactDedup(),))
    assert manifest.rows == 2


def test_lines_are_taken_out_of_documents_only(tmp_path):
    with pytest.raises(BadRecipe, match="line: rows have no text"):
        made_of(tmp_path, [chat("a", ("user", "hello"))], steps=(LineDedup(),))
