from dataclasses import dataclass
from itertools import pairwise

import msgspec
import pytest

from manifests.funnel import by_group, funnel, kept_by, measures, series
from manifests.rows import Page, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected, Stage
from manifests.store import Store
from manifests.view import View
from tests.manifests import small
from tests.manifests.stages import Copies, Length, Source, numbers


@dataclass(frozen=True, slots=True)
class Read(Stage):
    """Pages as documents; those with an odd status have no text."""

    def __call__(self, rows):
        for row in rows:
            if row.status % 2:
                yield Rejected(row, "read/no_text")
            else:
                yield small.Document(id=row.id, url=row.url, language="en", text=row.content.decode())


@dataclass(frozen=True)
class Pages:
    """A unit of pages without and with a URL."""

    key: str = "pages"
    file: str = "pages"

    def rows(self):
        for status in (200, 201, 202, 203):
            url = f"https://www.site{status % 2}.example/" if status < 203 else None
            yield Page(id=row_id("page", "t", str(status)), url=url, content=b"some words", status=status)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


def test_the_funnel_follows_rows_through_all_parts_of_a_recipe(made):
    stats = funnel(made.store, made.manifest)
    names = [step.title for step in small.recipe().steps]
    assert [stat.stage for stat in stats] == ["Input", *names]
    assert stats[0].rows_in == len(small.NOTES) + 1
    assert stats[0].reasons == {"input/not_json": 1}
    for before, after in pairwise(stats):
        assert after.rows_in <= before.kept + before.derived  # of which some were made and dropped in one step
    assert stats[-1].kept == made.manifest.rows
    assert sum(stat.dropped for stat in stats) == sum(sum(stat.reasons.values()) for stat in stats)


def test_a_step_is_found_again_in_the_ledger_of_its_part(made):
    for stat in funnel(made.store, made.manifest):
        assert made.store.manifest(stat.part).steps[stat.step].stage == stat.stage


def test_groups_tell_what_was_looked_at_kept_and_why_the_rest_was_not(made):
    table = {row["group"]: row for row in by_group(made.store, made.manifest, "language").to_dicts()}
    kept = [row for row in View(made.store, made.manifest) if row.language == "ja"]
    assert table["ja"] == {
        "group": "ja",
        "looked": sum(language == "ja" for _, language, _ in small.NOTES),
        "kept": len(kept),
        "dropped": 1,
        "chars": sum(len(row.text) for row in kept),
        "top_reason": "kana/few",
    }
    assert table["en"]["top_reason"] == "copies/copy"
    assert set(by_group(made.store, made.manifest, "domain")["group"]) == {"en.example", "ja.example", None}


def test_pages_dropped_before_they_were_read_have_no_language_and_perhaps_no_domain(store):
    made = run(Recipe("pages", (Read(),)), Source((Pages(),)), store=store).manifest
    languages = by_group(store, made, "language").rows(named=True)
    assert {row["group"]: (row["looked"], row["kept"]) for row in languages} == {"en": (2, 2), None: (2, 0)}
    domains = by_group(store, made, "domain").rows(named=True)
    assert {row["group"]: row["dropped"] for row in domains} == {"site0.example": 0, "site1.example": 1, None: 1}


def test_rows_that_became_others_are_not_counted_as_kept(store):
    made = run(Recipe("x", (Length(60), Copies(3))), numbers(0, 20, 40), store=store).manifest
    table = by_group(store, made, "language")
    assert table["looked"].sum() == 40
    assert table["kept"].sum() == made.rows == 3 * (40 - table["dropped"].sum())
    assert table["chars"].sum() == made.chars


def test_a_repeated_id_is_counted_once(store):
    made = run(Recipe("x", ()), numbers(0, 20), store=store).manifest
    twice = run(Recipe("x", ()), Source((*numbers(0, 20).parts, *numbers(10, 30).parts)), store=store).manifest
    tables = kept_by(store, [made, twice], "language")
    assert [table["rows"].sum() for table in tables] == [20, 30]
    assert [table["chars"].sum() for table in tables] == [made.chars, twice.chars]


def test_a_version_without_a_ledger_is_one_unknown_group(store):
    made = run(Recipe("x", ()), numbers(0, 20), store=store).manifest
    bare = msgspec.structs.replace(made, ledger=type(made.ledger)())
    assert kept_by(store, [bare], "domain")[0].rows() == [(None, 20, 0)]


def test_an_empty_version_has_a_funnel_and_no_kept_groups(store):
    made = run(Recipe("x", (Length(0),)), numbers(0, 20), store=store).manifest
    assert [stat.kept for stat in funnel(store, made)] == [20, 0]
    assert by_group(store, made, "language")["kept"].to_list() == [0, 0]
    assert by_group(store, run(Recipe("x", ()), numbers(0, 0), store=store).manifest, "domain").is_empty()


def test_measures_are_listed_with_their_rules_and_parts(made):
    found = {measure.name: measure for measure in measures(made.store, made.manifest)}
    assert list(found) == [
        "words/words",
        "words/capital_share",
        "kana/hiragana_share",
        "copies/similarity",
        "short/chars",
    ]
    assert [rule.reason for rule in found["words/words"].rules] == ["words/few", "words/many"]
    assert found["kana/hiragana_share"].rules[0].threshold == 0.2


def test_a_series_holds_every_value_and_tells_which_rows_its_step_dropped(made):
    measure = next(one for one in measures(made.store, made.manifest) if one.name == "words/words")
    values = series(made.store, made.store.manifest(measure.part), measure.step, measure.name)
    assert len(values) == len(small.NOTES)
    assert values.filter(values["value"] < 5)["kept"].to_list() == [False] * 3
    assert dict(values.select("id", "kept").iter_rows())[small.note_id("plain-1")]


def test_a_series_of_a_measure_that_nothing_recorded_is_empty(made):
    assert series(made.store, made.manifest, 1, "no/such").is_empty()
