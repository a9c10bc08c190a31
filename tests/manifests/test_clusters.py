"""Clusters of near-duplicates: read from the ledger, counted, sampled, and compared word by word."""

import json
import re
from dataclasses import dataclass

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from koba import main
from manifests.diff import diff
from manifests.errors import BadRecipe, NotFound
from manifests.rows import Conversation, Document, Message, row_id
from manifests.run import run
from manifests.stage import Drop, Recipe, Rule, Selected, Selection, Stage, below
from manifests.store import Store
from manifests.twin_groups import read_clusters
from manifests.twin_thresholds import at_threshold, chances, thresholds
from manifests.twins import Twins
from manifests.word_diff import word_diff, words
from tests.manifests.stages import Length, Source, numbers

HOSTILE = "\x1b[31mred\x1b[0m \u202egnp.exe [-out-] {+in+}"


@dataclass(frozen=True)
class Texts:
    """A unit of documents, a text each, named by their place."""

    texts: tuple[str, ...]
    key: str = "texts"
    file: str = "texts"

    def rows(self):
        for number, text in enumerate(self.texts):
            url = f"https://site.example/{number}"
            yield Document(id=named(number), source="texts", url=url, language="en", text=text)


@dataclass(frozen=True, slots=True)
class Pairs(Selection):
    """Drops rows for others as it is told: (row, the one that stays, how like they are)."""

    pairs: tuple[tuple[int, int, float | None], ...]
    reason: str = "pairs/near"
    threshold: float = 0.8
    bands: int | None = None
    rows: int | None = None

    def rules(self) -> tuple[Rule, ...]:
        return below(self.reason, "pairs/similarity", self.threshold)

    def select(self, view, map):  # noqa: ARG002
        places = {row.id: (part.ordinal, place) for part in view.slices for place, row in enumerate(part.rows())}
        return Selected(
            [
                Drop(*places[named(row)], self.reason, value, self.threshold, twin=named(twin))
                for row, twin, value in self.pairs
            ]
        )


@dataclass(frozen=True, slots=True)
class AsItIs(Stage):
    """All rows."""

    def __call__(self, rows):
        yield from rows


def named(number: int) -> bytes:
    return row_id("document", "texts", str(number))


def made_of(store, texts, *selections):
    steps = (Length(1_000_000), *selections)
    return run(Recipe("r", steps), Source((Texts(tuple(texts)),)), store=store, tag="texts").manifest


def told(pieces):
    """A difference as `koba clusters` writes it where there are no colours."""
    marks = {"out": ("[-", "-]"), "in": ("{+", "+}")}
    return "".join(piece.text.join(marks.get(piece.mark, ("", ""))) for piece in pieces)


def koba(store, *arguments):
    return CliRunner().invoke(main, ["clusters", *arguments, "--store", store.url])


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def test_clusters_are_counted_by_size_with_rows_and_characters(store):
    texts = [str(number) * 10 for number in range(9)]
    pairs = ((1, 0, 0.9), (2, 0, 0.9), (3, 0, 0.9), (4, 0, 0.9), (6, 5, 1.0))
    found = Twins.of(store, made_of(store, texts, Pairs(pairs)))
    assert found.sizes() == [
        {"size": "2", "clusters": 1, "rows": 1, "chars": 10},
        {"size": "5 to 9", "clusters": 1, "rows": 4, "chars": 40},
    ]
    assert found.clusters.rows() == [(named(0), 4, 40, 1), (named(5), 1, 10, 1)]
    assert found.by_reason() == [
        {"title": "Pairs", "number": 2, "reason": "pairs/near", "threshold": 0.8, "rows": 5, "chars": 50, "lowest": 0.9}
    ]


def test_a_row_whose_twin_goes_in_a_later_step_belongs_to_the_one_that_stays_in_the_end(store):
    steps = (
        Pairs(((1, 0, 1.0),), "pairs/equal", 1.0),
        Pairs(((0, 2, 0.9),)),
        Pairs(((2, 3, None),), "pairs/address"),
    )
    found = Twins.of(store, made_of(store, "abcd", *steps))
    lines = {line["id"]: (line["twin"], line["survivor"], line["depth"]) for line in found.lines.to_dicts()}
    assert lines == {
        named(1): (named(0), named(3), 3),
        named(0): (named(2), named(3), 2),
        named(2): (named(3), named(3), 1),
    }
    assert found.clusters.rows() == [(named(3), 3, 3, 3)]


def test_a_survivor_that_a_later_rule_drops_is_told_with_the_reason(store):
    texts = ("a long text that goes later", "a long text that goes", "short")
    made = run(
        Recipe("r", (Length(1_000), Pairs(((1, 0, 0.9),)), Length(25))), Source((Texts(texts),)), store=store
    ).manifest
    (cluster,) = read_clusters(store, made, Twins.of(store, made), [named(0)])
    assert not cluster.kept
    assert cluster.fate == "Length dropped it: length/too_long"
    assert told(cluster.members[0].difference) == "a long text that goes[- later-]"


def test_a_survivor_of_a_dataset_compared_with_is_read_there(store):
    @dataclass(frozen=True, slots=True)
    class Across(Selection):
        against: tuple[str, ...]

        def select(self, view, map):  # noqa: ARG002
            return Selected([Drop(0, 0, "across/near", 0.9, 0.8, twin=named(7))])

    old = made_of(store, [*"abcdefg", "an old page"])
    new = run(Recipe("r", (Length(99), Across((old.id, "gone")))), Source((Texts(("a new page",), "n"),)), store=store)
    (cluster,) = read_clusters(store, new.manifest, Twins.of(store, new.manifest), [named(7)])
    assert (cluster.kept, cluster.elsewhere, cluster.excerpt) == (True, old.id, "an old page")
    assert told(cluster.members[0].difference) == "[-an old-]{+a new+} page"
    assert f"stays, in {old.id[:12]}, for 1 row" in koba(store, new.manifest.id).output


def test_a_survivor_that_nobody_knows_is_no_error(store):
    made = made_of(store, "ab", Pairs(((1, 99, 0.9),)))
    (cluster,) = read_clusters(store, made, Twins.of(store, made), [named(99)])
    assert (cluster.kept, cluster.fate, cluster.excerpt) == (False, "it is no row of this recipe", None)
    assert cluster.members[0].difference is None
    assert koba(store, "texts").exit_code == 0


def test_what_would_come_back_is_counted_for_one_reason_or_all(store):
    pairs = Pairs(((1, 0, 0.81), (2, 0, 0.9), (3, 0, 0.99)))
    made = made_of(store, ["x" * 10] * 6, pairs, Pairs(((5, 4, 0.55),), "pairs/meaning", 0.5))
    found = Twins.of(store, made)
    near, meaning = at_threshold(store, made, found, 0.95)
    assert (near.answer.at_step.rows, near.answer.at_step.chars, near.answer.exact) == (2, 20, False)
    assert set(near.twins.lines["id"]) == {named(1), named(2)}
    assert meaning.answer.at_step.rows == 1
    (near,) = at_threshold(store, made, found, 0.9, "pairs/near")
    assert near.answer.at_step.examples == (named(1),)  # 0.9 is not below 0.9
    assert [line["rows"] for line in thresholds(found)[0]["lines"]] == [1, 1, 2, 2, 3]


def test_a_lower_threshold_needs_a_run(store):
    made = made_of(store, "ab", Pairs(((1, 0, 0.9),)))
    with pytest.raises(BadRecipe, match=r"0\.7 would make copies of more rows .* needs a run"):
        at_threshold(store, made, Twins.of(store, made), 0.7)
    assert koba(store, "texts", "--threshold", "0.7").exit_code == 2


def test_no_threshold_is_asked_where_rows_were_dropped_by_none(store):
    made = made_of(store, "ab", Pairs(((1, 0, None),)))
    with pytest.raises(NotFound, match="no row was dropped for another one by a threshold"):
        at_threshold(store, made, Twins.of(store, made), 0.9)


def test_the_chance_to_find_a_pair_is_told_of_a_step_with_bands(store):
    made = made_of(store, "ab", Pairs(((1, 0, 0.9),), bands=9, rows=13))
    (step,) = chances(Twins.of(store, made))
    assert {alike: round(chance, 4) for alike, chance in step["chances"].items()} == {
        0.6: 0.0117, 0.7: 0.0839, 0.75: 0.1946, 0.8: 0.3988, 0.85: 0.6864, 0.9: 0.9286, 0.95: 0.9985
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ("a quick brown fox", "a quick red fox", "a quick [-brown-]{+red+} fox"),
        ("the brownish fox", "the brown fox", "the [-brownish-]{+brown+} fox"),
        ("the brown fox", "the brownish fox", "the [-brown-]{+brownish+} fox"),
        ("the fox", "the redfox", "the [-fox-]{+redfox+}"),
        ("one two", "one two three", "one two{+ three+}"),
        ("Don't go", "Don’t go", "Don[-'-]{+’+}t go"),
        ("a b", "c d", "[-a b-]{+c d+}"),
        ("小さな工場の日記です。", "大きな工場の日記でした。", "[-小さ-]{+大き+}な工場の日記で[-す-]{+した+}。"),
        ("データを作る", "データベースを作る", "[-データ-]{+データベース+}を作る"),
        ("翻譯成英文", "翻譯成中文", "翻譯成[-英-]{+中+}文"),
        ("が\u3099ある", "かある", "[-が\u3099-]{+か+}ある"),
        ("", "all of it", "{+all of it+}"),
        ("the same", "the same", ""),
    ],
)
def test_differences_are_words_and_in_japanese_and_chinese_characters(before, after, difference):
    assert told(word_diff(before, after)) == difference


def test_only_what_stands_around_a_difference_is_shown():
    text = " ".join(map(str, range(1_000)))
    shown = told(word_diff(text, text.replace(" 100 ", " hundred ").replace(" 900 ", " 9e2 ")))
    assert "98 99 [-100-]{+hundred+} 101 102" in shown
    assert "[-900-]{+9e2+}" in shown
    assert shown.count("…") == 3
    assert len(shown) < 250


def test_of_many_differences_the_first_are_shown_and_the_others_counted():
    before = " ".join(f"left{number} and so on" for number in range(40))
    assert told(word_diff(before, before.replace("left", "right"))).endswith("… and 28 more differences")


def test_what_is_too_long_to_be_compared_is_told():
    before, after = ("".join(f"{word} and so on " for _ in range(9_000)) for word in ("left", "right"))
    shown = told(word_diff(before, after))
    assert re.search(
        r" … and [\d,]+ more differences … [\d,]+ characters and the [\d,]+ in their place are not ", shown
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x" * 50_000_000, "x" * 49_999_999 + "y"),
        ("a " * 20_000_000, "b " * 20_000_000),
        ("a b " * 5_000_000, "b a " * 5_000_000),
        ("あ" * 5_000_000, "い" + "あ" * 5_000_000 + "う"),
    ],
    ids=["one long word", "nothing in common", "shifted", "unspaced"],
)
def test_texts_of_any_size_are_compared_within_bounds(before, after):
    shown = word_diff(before, after)
    assert {"in", "out"} & {piece.mark for piece in shown}
    assert sum(len(piece.text) for piece in shown) < 3_000


@given(
    st.text(st.sampled_from("ab 日本ア\u3099'\n"), max_size=30),
    st.text(st.sampled_from("ab 日本ア\u3099'\n"), max_size=30),
)
def test_without_what_is_out_a_difference_is_the_one_text_and_without_what_is_in_the_other(before, after):
    pieces = word_diff(before, after)
    sides = ["".join(piece.text for piece in pieces if piece.mark != other) for other in ("in", "out")]
    assert sides == ([before, after] if before != after else ["", ""])
    assert "".join(words(before)) == before


def test_conversations_differ_in_the_words_of_their_turns(store):
    @dataclass(frozen=True)
    class Chats(Texts):
        def rows(self):
            for number, text in enumerate(self.texts):
                turns = (Message("user", text), Message("assistant", "yes"))
                yield Conversation(id=named(number), source="chats", messages=turns)

    recipe = Recipe("r", (AsItIs(), Pairs(((1, 0, 0.9),))))
    made = run(recipe, Source((Chats(("is it so", "is it now")),)), store=store).manifest
    found = Twins.of(store, made)
    (cluster,) = read_clusters(store, made, found, found.by_chance(1, 0))
    assert told(cluster.members[0].difference) == "user: is it [-so-]{+now+}\nassistant: yes"
    assert found.sizes() == [{"size": "2", "clusters": 1, "rows": 1, "chars": 12}]


def test_hostile_text_reaches_no_terminal(store):
    made_of(store, [f"{HOSTILE} one", f"{HOSTILE} two"], Pairs(((1, 0, 0.9),)))
    shown = koba(store, "texts").output
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31mred" in shown
    assert "[-one-]{+two+}" in shown


def test_clusters_are_printed_with_the_words_that_differ_and_the_twin_that_went_too(store):
    texts = ["the red house by the sea", "the red house by the lake", "the red house by a lake", "alone"]
    made_of(store, texts, Pairs(((2, 1, 0.85),)), Pairs(((1, 0, 0.9),), "pairs/later"))
    done = koba(store, "texts", "--threshold", "0.88")
    assert done.exit_code == 0
    assert "texts: 2 rows (48 characters) dropped for another one, in 1 cluster" in done.output
    assert f"{named(0).hex()[:12]} stays for 2 rows" in done.output
    assert f"similarity 0.85 with {named(1).hex()[:12]}, which then went for this one" in done.output
    assert "the red house by [-the sea-]{+a lake+}" in done.output
    assert "pairs/near at 0.88 instead of 0.8: Pairs would let through 1 more row" in done.output


def test_samples_by_chance_are_the_same_for_the_same_seed(store):
    made = made_of(store, map(str, range(60)), Pairs(tuple((n + 30, n, 0.9) for n in range(30))))
    found = Twins.of(store, made)
    assert found.by_chance(5, 1) == found.by_chance(5, 1) != found.by_chance(5, 2)
    assert len({*found.by_chance(40, 0)}) == 30


def test_json_has_it_all(store):
    made = made_of(store, ["one two", "one three", "one two"], Pairs(((1, 0, 0.9), (2, 0, 1.0))))
    answer = json.loads(koba(store, "texts", "--threshold", "0.95", "--json").output)
    assert (answer["manifest"], answer["rows"], answer["clusters"]) == (made.id, 2, 1)
    (cluster,) = answer["largest"]
    assert cluster == answer["by_chance"][0]
    assert (cluster["survivor"], cluster["kept"], cluster["excerpt"]) == (named(0).hex(), True, "one two")
    assert [member["difference"] for member in cluster["members"]] == [
        [["same", "one "], ["out", "two"], ["in", "three"]],
        [],
    ]
    (back,) = answer["returns"]
    assert back["at_step"]["rows"] == 1
    assert [member["id"] for member in back["by_chance"][0]["members"]] == [named(1).hex()]


def test_a_dataset_without_copies_says_so(store):
    run(Recipe("r", (Length(60),)), numbers(0, 5), store=store, tag="plain")
    run(Recipe("r", (Length(0),)), numbers(0, 5), store=store, tag="empty")
    for name in ("plain", "empty"):
        done = koba(store, name)
        assert (done.exit_code, done.output) == (0, f"{name}: no row was dropped for another one\n")
        assert json.loads(koba(store, name, "--json").output)["clusters"] == 0


def test_an_unknown_dataset_or_reason_is_an_error(store):
    made_of(store, "ab", Pairs(((1, 0, 0.9),)))
    assert koba(store, "nothing").exit_code == 2
    done = koba(store, "texts", "--reason", "pairs/never")
    assert done.exit_code == 2
    assert "reasons are pairs/near" in done.output


def test_one_reason_can_be_asked_for(store):
    steps = (Pairs(((1, 0, 1.0),), "pairs/equal", 1.0), Pairs(((2, 0, 0.9),)))
    made_of(store, "abc", *steps)
    answer = json.loads(koba(store, "texts", "--reason", "pairs/equal", "--json").output)
    assert [one["reason"] for one in answer["reasons"]] == ["pairs/equal"]
    assert answer["rows"] == 1


def test_a_diff_names_the_row_that_stays_where_the_twin_went_too(store):
    texts = "abc"
    before = made_of(store, texts)
    after = made_of(store, texts, Pairs(((1, 0, 1.0),), "pairs/equal", 1.0), Pairs(((0, 2, 0.9),)))
    gone = {change.row.id: (change.twin, change.survivor) for change in diff(store, before, after).changes()}
    assert gone == {named(1): (named(0), named(2)), named(0): (named(2), None)}
    shown = CliRunner().invoke(main, ["diff", before.id, after.id, "--store", store.url]).output
    assert f"similarity 0.9, threshold 0.8, in its place {named(2).hex()[:12]}" in shown
    assert f"{named(0).hex()[:12]}, which went too; in their place {named(2).hex()[:12]}" in shown
