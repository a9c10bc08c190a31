import json
import re
import shutil
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import canonical
from manifests.browse import head, show
from manifests.errors import BadRecipe, NotFound
from manifests.lineage import recipe_chain
from manifests.rows import Conversation, Document, Message, Preference, Row, Tokens, row_id
from manifests.run import run
from manifests.sampling import sample
from manifests.search import grep
from manifests.stage import Recipe
from manifests.store import Store
from manifests.texts import changes, readable
from manifests.view import View
from tests.manifests import small
from tests.manifests.stages import Source, numbers
from tests.patience import in_proportion

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "@@ -1 +1 @@", "--- x", "+"]), max_size=12)


@dataclass(frozen=True)
class Given:
    """A unit of some rows."""

    given: tuple[Row, ...]

    @property
    def key(self) -> list[str]:
        return [canonical.sha256(row.id + row.payload()) for row in self.given]

    @property
    def file(self) -> str:
        return "given rows"

    def rows(self):
        return iter(self.given)


class Counting(Store):
    """A store that remembers what was read."""

    read: list[str]

    def get(self, digest, suffix=".parquet"):
        self.read.append(digest)
        return super().get(digest, suffix)


def stored(folder, *rows):
    store = Store(str(folder / "store"))
    return store, run(Recipe("as they are", ()), Source((Given(rows),)), store=store).manifest


def texts(shown):
    return [(text.number, text.title, text.text) for text in shown.texts]


# One row


def test_a_row_is_shown_with_its_text_before_and_after_each_step_that_changed_it(made):
    shown = show(made.store, made.manifest, small.note_id("mail"))
    before, after = "the keeper of the keys is called\n", "\nask for the small one"
    assert texts(shown) == [
        (3, "Tidy", f"{before}keys@factory.example{after}"),
        (5, "HideMail", f"{before}<mail>{after}"),
    ]
    assert shown.texts[1].diff == (
        "@@ -1,3 +1,3 @@",
        " the keeper of the keys is called",
        "-keys@factory.example",
        "+<mail>",
        " ask for the small one",
    )
    assert shown.row.text == shown.texts[1].text
    assert shown.row.labels == {"name": "mail"}
    assert shown.story.kept


def test_a_row_that_nothing_changed_has_one_text(made):
    assert texts(show(made.store, made.manifest, small.note_id("plain-1"))) == [(3, "Tidy", small.PLAIN.format(n=1))]


def test_the_text_before_a_change_is_missing_where_it_was_never_stored(made):
    shown = show(made.store, made.manifest, small.note_id("untidy"))
    assert [(text.title, text.diff) for text in shown.texts] == [("Tidy", ())]
    assert shown.texts[0].text == shown.row.text


def test_a_dropped_row_is_shown_with_what_is_stored_of_it(made):
    copy = show(made.store, made.manifest, small.note_id("tidy-copy"))
    assert not copy.story.kept
    assert copy.row.text == copy.texts[-1].text == "a factory that makes the same thing every day"
    short = show(made.store, made.manifest, small.note_id("short"))
    assert (short.row, short.texts, short.story.kept) == (None, (), False)


def test_what_is_shown_is_plain_json(made):
    for row in [*made.ids(), small.note_id("short"), small.note_id("copy-1")]:
        told = json.loads(json.dumps(show(made.store, made.manifest, row).to_json()))
        assert told["story"]["id"] == row.hex()
    with pytest.raises(NotFound):
        show(made.store, made.manifest, b"\1" * 16)


@given(LINES, LINES, st.integers(0, 3))
def test_the_changes_lead_from_the_one_text_to_the_other(before, after, context):
    old, new, at = before or [""], [], 0
    for line in changes("\n".join(before), "\n".join(after), context):
        if hunk := re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$", line):
            start = int(hunk[1]) - (hunk[2] != "0")
            new += old[at:start]
            at = start
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert old[at] == line[1:]
            new += [line[1:]] if line[0] == " " else []
            at += 1
    assert new + old[at:] == (after or [""])


def test_long_texts_are_compared_in_time_in_proportion_to_their_length():
    def compared(size):
        before = "\n".join(f"line {n % 7}" for n in range(size))
        after = "\n".join(f"line {n % 11}" for n in range(size))
        assert len(list(changes(before, after))) > size
        one = before.replace("line 3", "LINE 3", 1)
        assert [line for line in changes(before, one) if line[0] in "+-"] == ["-line 3", "+LINE 3"]

    assert in_proportion(compared, 10_000)


def test_each_kind_of_row_has_a_text_to_read():
    turns = (Message("user", "hi"), Message("assistant", "hello"))
    preference = Preference(prompt=turns[:1], chosen=turns[1:], rejected=())
    assert readable(Document(text="工場").payload(), "document") == "工場"
    assert readable(Conversation(messages=turns).payload(), "conversation") == "user: hi\nassistant: hello"
    assert readable(preference.payload(), "preference") == (
        "[prompt]\nuser: hi\n[chosen]\nassistant: hello\n[rejected]\n"
    )
    assert readable(Tokens(input_ids=(1, 256)).payload(), "tokens") == "1 256"


def test_the_first_rows_are_those_of_the_first_shards(made):
    rows = [row.id for row in View(made.store, made.manifest)]
    assert [row.id for row in head(made.store, made.manifest, 7)] == rows[:7]
    assert [row.id for row in head(made.store, made.manifest, 100)] == rows
    assert head(made.store, made.manifest, 0) == []


# A sample


def test_a_sample_depends_on_the_rows_and_the_seed_and_not_on_the_shards(tmp_path):
    store = Store(str(tmp_path / "store"))
    few = run(Recipe("few", ()), numbers(0, 200), store=store).manifest
    many = run(Recipe("many", ()), numbers(0, 20, 70, 71, 200), store=store).manifest
    chosen = [row.row_id for row in sample(store, few, 20, seed=1)]
    assert len(set(chosen)) == 20
    assert chosen == [row.row_id for row in sample(store, many, 20, seed=1)]
    assert chosen != [row.row_id for row in sample(store, many, 20, seed=2)]


def test_a_sample_of_more_rows_begins_with_that_of_fewer_and_ends_with_all(made):
    ids = [[row.row_id for row in sample(made.store, made.manifest, n, seed=0)] for n in (3, 9, 100)]
    assert ids[1][:3] == ids[0]
    assert set(ids[2]) == made.ids()
    assert sample(made.store, made.manifest, 0, seed=0) == []


def test_a_sample_reads_only_the_shards_that_hold_it(tmp_path):
    store = Counting(str(tmp_path / "store"))
    store.read = []
    manifest = run(Recipe("many", ()), numbers(*range(0, 200, 10)), store=store).manifest
    store.read.clear()
    chosen = sample(store, manifest, 2, seed=0)
    shards = {entry.shard for entry in manifest.entries}
    assert len(chosen) == 2
    assert len(shards.intersection(store.read)) <= 2


def test_a_sample_of_one_language_or_domain_holds_no_other_row(made):
    japanese = sample(made.store, made.manifest, 100, seed=0, language="ja")
    assert {row.row_id for row in japanese} == {small.note_id("kana"), small.note_id("kana-2")}
    assert {row.domain for row in japanese} == {"ja.example"}
    english = sample(made.store, made.manifest, 100, seed=0, domain="en.example")
    assert {row.row_id for row in english} == made.ids() - {row.row_id for row in japanese}
    assert sample(made.store, made.manifest, 5, seed=0, language="fr") == []


def test_a_sample_of_dropped_rows_says_why_and_shows_what_is_stored(made):
    dropped = {row.row_id: row for row in sample(made.store, made.manifest, 100, seed=0, dropped=True)}
    assert len(dropped) == 12
    short, copy = dropped[small.note_id("short")], dropped[small.note_id("copy-1")]
    assert (short.row, short.number, short.title, short.chars) == (None, 1, "Words", 16)
    assert (short.decision.reason, short.decision.value, short.decision.threshold) == ("words/few", 3, 5)
    assert (copy.row.text, copy.number) == ("a factory that makes the same thing every day", 4)
    assert copy.decision.twin == small.note_id("copy-2")
    assert json.dumps([row.to_json() for row in dropped.values()])


def test_dropped_rows_can_be_asked_for_by_reason_and_language(made):
    def asked(n, **filters):
        return {row.row_id for row in sample(made.store, made.manifest, n, seed=3, dropped=True, **filters)}

    few = {small.note_id(name) for name in ("short", "short-2", "short-and-loud")}
    assert asked(100, reason="words/few") == few
    assert len(asked(2, reason="words/few")) == 2
    assert asked(100, language="ja") == {small.note_id("kanji")}
    assert asked(100, reason="words/few", language="ja") == set()
    with pytest.raises(NotFound, match="no row was dropped for 'words/fwe'; rows were dropped for words/few"):
        asked(1, reason="words/fwe")


# Text


def found(store, manifest, pattern, **options):
    return {match.row_id for match in grep(store, manifest, pattern, **options)}


@pytest.mark.parametrize(
    ("pattern", "options", "expression"),
    [
        ("factory", {"fixed": True}, "factory"),
        ("a.b|(", {"fixed": True}, re.escape("a.b|(")),
        ("FACTORY", {"fixed": True, "ignore_case": True}, "(?i)factory"),
        (r"makes \d", {}, r"makes \d"),
        ("^(a|the) .*day$", {}, "^(a|the) .*day$"),
        ("工場|データ", {}, "工場|データ"),
        ("LOUD", {"ignore_case": True}, "(?i)loud"),
        ("nowhere", {"fixed": True}, "nowhere"),
    ],
)
def test_grep_finds_what_a_look_at_every_row_finds(made, pattern, options, expression):
    rows = list(View(made.store, made.manifest))
    expected = {row.id: re.search(expression, row.text) for row in rows if re.search(expression, row.text)}
    matches = list(grep(made.store, made.manifest, pattern, **options))
    assert [match.row_id for match in matches] == [row.id for row in rows if row.id in expected]
    for match in matches:
        assert (match.start, match.end) == expected[match.row_id].span()
        text = next(row.text for row in rows if row.id == match.row_id)
        assert match.excerpt == text[match.excerpt_start : match.excerpt_start + len(match.excerpt)]
        assert match.more == len(re.findall(expression, text)) - 1


def test_rows_that_are_no_longer_shown_are_not_found(made):
    first = recipe_chain(made.store, made.manifest)[0]
    assert small.note_id("copy-1") in found(made.store, first, "same thing", fixed=True)
    assert found(made.store, made.manifest, "same thing", fixed=True) == {small.note_id("copy-2")}


def test_an_excerpt_shows_what_stands_around_the_match(tmp_path):
    text = "あ" * 100 + "needle" + "い" * 100
    store, manifest = stored(tmp_path, Document(id=row_id("document", "x", "1"), text=text, url="https://x.example/"))
    match = next(grep(store, manifest, "needle", fixed=True))
    assert match.excerpt == "あ" * 60 + "needle" + "い" * 60
    assert (match.start, match.end, match.excerpt_start, match.url) == (100, 106, 40, "https://x.example/")


def test_a_limit_ends_the_search(made):
    assert len(list(grep(made.store, made.manifest, "factory", limit=3))) == 3
    assert list(grep(made.store, made.manifest, "factory", limit=0)) == []
    asked = []

    def one_by_one(work, slices):
        for part in slices:
            asked.append(part.ordinal)
            yield work(part)

    assert len(list(grep(made.store, made.manifest, "factory", limit=1, map=one_by_one))) == 1
    assert asked == [0]


def test_the_turns_of_a_chat_are_looked_through_one_by_one(tmp_path):
    turns = [
        (Message("user", "what is a koba"), Message("assistant", "a factory")),
        (),
        (Message("user", "a factory?"), Message("user", "hello"), Message("assistant", "any factory")),
    ]
    chats = [Conversation(id=row_id("conversation", "x", str(n)), messages=said) for n, said in enumerate(turns)]
    store, manifest = stored(tmp_path, *chats)
    matches = list(grep(store, manifest, "factory", fixed=True))
    assert [(match.row_id, match.field, match.start) for match in matches] == [
        (chats[0].id, "messages[1] assistant", 2),
        (chats[2].id, "messages[0] user", 2),
        (chats[2].id, "messages[2] assistant", 4),
    ]


def test_the_replies_of_a_preference_are_looked_through_as_well(tmp_path):
    turns = [Message("user", "which one"), Message("assistant", "this one"), Message("assistant", "that one")]
    row = Preference(id=row_id("preference", "x", "1"), prompt=turns[:1], chosen=turns[1:2], rejected=turns[2:])
    store, manifest = stored(tmp_path, row)
    assert [match.field for match in grep(store, manifest, "one$")] == [
        "prompt[0] user",
        "chosen[0] assistant",
        "rejected[0] assistant",
    ]


def test_what_cannot_be_looked_for_is_refused(made, tmp_path):
    with pytest.raises(BadRecipe, match=r"is no regular expression: .*unclosed group"):
        grep(made.store, made.manifest, "(")
    with pytest.raises(BadRecipe, match="an empty pattern"):
        grep(made.store, made.manifest, "")
    store, manifest = stored(tmp_path, Tokens(id=row_id("tokens", "x", "1"), input_ids=(1, 2)))
    with pytest.raises(BadRecipe, match="rows of kind tokens hold no text"):
        grep(store, manifest, "1")
    assert list(grep(made.store, made.manifest, "(", fixed=True)) == []


def test_a_store_that_was_moved_is_read_all_the_same(made, tmp_path):
    store = Store(str(shutil.copytree(made.store.url, tmp_path / "elsewhere")))
    assert found(store, store.manifest("small"), "factory") == found(made.store, made.manifest, "factory")
