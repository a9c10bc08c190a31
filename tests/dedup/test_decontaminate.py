import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import shared, spelling
from dedup.decontaminate import Decontaminate
from dedup.items import indexed
from dedup.overlaps import found_in
from dedup.questions import Search
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.explain import why
from manifests.rows import Conversation, Message, Preference, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.manifests.stages import Source
from tests.pools import Heard, Unit, cut, decisions, doc, kept, selected, stored

SEEDS = Path(__file__).parents[2].parent / "shared" / "data" / "math-seeds"
QUESTION = (
    "A baker fills 12 trays with 30 rolls each before sunrise, sells 250 of them on the market and gives half of what "
    "is left to the school. How many rolls does he take home in the evening?"
)
SWAPPED = QUESTION.replace("12", "7").replace("30", "1,400").replace("250", "3.5").replace("half", "a third")
JAPANESE = (
    "太郎はりんごを12個買い、そのうち5個を友だちにあげました。"
    "残ったりんごを3人で同じ数ずつ分けると、一人何個になりますか。"
)
OTHER = (
    "The bridge was opened in the spring, and boats pass under it on their way to the mill, as they did before the war."
)


def benchmark(store, *items, name="benchmark"):
    """Put items into a store as a dataset."""
    rows = tuple(doc(f"item {number}", text=text) for number, text in enumerate(items))
    run(Recipe(name, ()), Source((Unit(rows),)), store=store, tag=name)
    return [row.id for row in rows]


def found(store, **fields):
    """Return for each row that goes its text, the reason and its item."""
    made = selected(store, Decontaminate(("benchmark",), **fields)).manifest
    texts = {row_id("document", "test", name): name for name in ("a", "b", "c", "d")}
    return {texts[line["id"]]: (line["reason"], line["twin"]) for line in decisions(store, made)}


def test_a_planted_item_goes_and_names_the_item():
    store = stored([doc("a", text=f"{OTHER} {QUESTION.upper()} {OTHER}"), doc("b", text=OTHER)])
    ids = benchmark(store, "Which of these rivers flows through more than two countries on its way?", QUESTION)
    assert found(store) == {"a": ("decontaminate/exact", ids[1])}


def test_thirteen_words_in_a_row_are_enough_and_twelve_are_not():
    words = QUESTION.split()
    store = stored(
        [
            doc("a", text=f"{OTHER} {' '.join(words[5:18])} {OTHER}"),
            doc("b", text=f"{OTHER} {' '.join(words[5:17])} {OTHER}"),
        ]
    )
    [item] = benchmark(store, QUESTION)
    assert found(store) == {"a": ("decontaminate/ngram", item)}


def test_a_copy_with_other_numbers_goes():
    store = stored([doc("a", text=f"{OTHER} {SWAPPED} {OTHER}"), doc("b", text=OTHER)])
    [item] = benchmark(store, QUESTION)
    assert found(store, ngram=30) == {"a": ("decontaminate/template", item)}
    assert found(store, ngram=30, template_ngram=0) == {}


def test_japanese_is_read_letter_by_letter():
    store = stored(
        [
            doc("a", text=f"問題です。{JAPANESE}考えてみましょう。"),
            doc("b", text=f"問題です。{JAPANESE.replace('12', '三十').replace('5', '8')}"),
            doc("c", text="太郎はりんごを12個買い、家に帰りました。そしてすぐに寝てしまいましたとさ。"),
        ]
    )
    [item] = benchmark(store, JAPANESE)
    assert found(store) == {"a": ("decontaminate/exact", item), "b": ("decontaminate/ngram", item)}
    assert found(store, ngram=24)["b"] == ("decontaminate/template", item)


def test_cosmopedias_rule_asks_how_much_of_the_item_is_there():
    words = QUESTION.split()
    few, many = (" ".join(words[:size]) for size in (11, 24))
    store = stored([doc("a", text=f"{OTHER} {few} {OTHER}"), doc("b", text=f"{OTHER} {many} {OTHER}")])
    [item] = benchmark(store, QUESTION)
    assert found(store, ngram=10, max_ratio=0.5, template_ngram=0) == {"b": ("decontaminate/similar", item)}


def test_a_short_item_counts_where_it_is_there_as_a_whole():
    short = "How many legs do nine spiders and two beetles have?"
    store, heard = stored([doc("a", text=f"{OTHER} {short}"), doc("b", text=f"{OTHER} {short[:-6]}")]), Heard()
    ids = benchmark(store, short, "Who wrote it?")
    made = selected(store, Decontaminate(("benchmark",), template_ngram=0), heard=heard).manifest
    assert [(line["reason"], line["twin"]) for line in decisions(store, made)] == [("decontaminate/exact", ids[0])]
    assert any("1 items have fewer than 8 words" in said and "Who wrote it?" in said for said in heard.said)


def test_what_many_items_share_is_how_a_benchmark_asks():
    asks = "Read the following passage with care and choose the one answer out of four that fits it best:"
    store, heard = stored([doc("a", text=f"{asks} and so on {OTHER}")]), Heard()
    benchmark(store, *(f"{asks} {name} {name}" for name in "abcdefghijklmn"), asks)
    made = selected(store, Decontaminate(("benchmark",), max_items=3), heard=heard).manifest
    assert made.rows == 1
    assert any("1 items share every gram with more than 3 others" in said for said in heard.said)


def test_an_item_in_too_many_rows_is_told_and_can_be_left_out():
    rows = [doc(f"row {n}", text=f"{OTHER} {n}") for n in range(30)]
    store, heard = stored(*cut(rows, 3)), Heard()
    [item] = benchmark(store, OTHER)
    assert selected(store, Decontaminate(("benchmark",)), heard=heard).manifest.rows == 0
    assert any(f"item {item.hex()} is in 30 of 30 rows" in said for said in heard.said)
    with pytest.raises(BadSource, match="no texts to search for"):
        selected(store, Decontaminate(("benchmark",), ignore=(item.hex(),)))


def test_every_turn_of_every_kind_is_searched():
    ask, reply = Message("user", "Tell me something."), Message("assistant", QUESTION)
    for row in (
        Conversation(id=row_id("conversation", "test", "a"), source="test", messages=(ask, reply)),
        Preference(
            id=row_id("preference", "test", "a"), source="test", prompt=(ask,), chosen=(ask,), rejected=(reply,)
        ),
    ):
        store = stored([row])
        benchmark(store, QUESTION)
        made = selected(store, Decontaminate(("benchmark",))).manifest
        assert [line["reason"] for line in decisions(store, made)] == ["decontaminate/exact"]


def test_why_tells_the_rule_and_the_item():
    row = doc("a", text=f"{OTHER} {SWAPPED}")
    store = stored([row])
    [item] = benchmark(store, QUESTION)
    made = selected(store, Decontaminate(("benchmark",), ngram=30)).manifest
    decision = next(step.decision for step in why(store, row.id, made).steps if step.decision)
    assert (decision.reason, decision.threshold, decision.twin) == ("decontaminate/template", 0.6, item)


def test_a_file_is_a_benchmark_too(tmp_path):
    file = tmp_path / "quiz.jsonl"
    file.write_text(json.dumps({"question": QUESTION, "answer": "55"}) + "\n", encoding="utf-8")
    store = stored([doc("a", text=f"{OTHER} {QUESTION}"), doc("b", text=OTHER)])
    made = selected(store, Decontaminate((f"{file}#question",))).manifest
    assert kept(store, made) == {OTHER}
    assert store.head("benchmarks/quiz") is not None
    again = selected(store, Decontaminate(("benchmarks/quiz",)))
    assert again.manifest.id == made.id


@pytest.mark.parametrize(
    ("fields", "error", "told"),
    [
        ({"against": ()}, BadRecipe, "nothing to search for"),
        ({"against": ("x",), "min_words": 20}, BadRecipe, "min_words from 1 to ngram"),
        ({"against": ("nowhere",)}, NotFound, "nowhere"),
        ({"against": ("nowhere.jsonl",)}, BadSource, "no such file"),
    ],
)
def test_bad_input_is_refused(fields, error, told):
    with pytest.raises(error, match=told):
        selected(stored([doc("a", text=OTHER)]), Decontaminate(**fields))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 6))
def test_neither_shards_nor_their_number_change_what_is_found(shards):
    rows = [
        doc(f"row {n}", text=f"{OTHER} {QUESTION if n % 3 == 0 else SWAPPED if n % 3 == 1 else n}") for n in range(9)
    ]
    store = stored(*cut(rows, shards))
    benchmark(store, QUESTION)
    made = selected(store, Decontaminate(("benchmark",), ngram=30)).manifest
    assert (
        sorted(line["reason"] for line in decisions(store, made))
        == ["decontaminate/exact"] * 3 + ["decontaminate/template"] * 3
    )


WORDS = re.compile(r"\w+(?:(?<=\d)[.,](?=[0-9])\w+)*")


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(max_codepoint=0x24F, categories=("L", "Nd", "P", "Zs", "Pc")), max_size=60), max_size=4
    )
)
def test_words_of_latin_scripts_are_those_of_a_regular_expression(texts):
    read = spelling.read(pa.array(texts, pa.string()))
    for row, text in enumerate(texts):
        spans = zip(read.starts[read.ends[row] :], read.stops[read.ends[row] : read.ends[row + 1]], strict=False)
        assert [text.encode()[begin:end].decode() for begin, end in spans] == WORDS.findall(text)


def test_numbers_are_masked_however_they_are_written():
    forms = ["1,200 eggs", "3 1/2 dozen eggs", "Twenty-five EGGS", "2.5 eggs", "１２ eggs"]
    read = spelling.read(pa.array(forms))
    masked = [tuple(read.masked[begin:end]) for begin, end in zip(read.masked_ends, read.masked_ends[1:], strict=False)]
    assert len(set(masked)) == 1
    assert len(masked[0]) == 2
    assert len(set(spelling.read(pa.array(["3rd", "5th", "5pm", "pm"])).masked)) == 4


def test_words_and_grams_have_the_same_hashes_everywhere():
    """Stored tables depend on them: whoever changes one raises the version of `Overlaps`."""
    read = spelling.read(pa.array(["A baker fills 1,200 trays; 三日で。"]))
    assert read.hashes.tolist() == [
        7526298725267189898,
        16142989199386266417,
        14515035573083639569,
        10689690856857062420,
        4676913222170565483,
        3821052062237854892,
        11348693758322416870,
        17065291696653481733,
    ]
    number = 942604413532986573
    assert read.masked.tolist() == [
        number if place in (3, 5) else one for place, one in enumerate(read.hashes.tolist())
    ]
    keys, places = shared.grams(read.hashes, read.ends, 3)
    assert keys[:2].tolist() == [15729999409433635177, 17619140512425411353]
    assert places.tolist() == [0, 1, 2, 3, 4, 5]


def test_hidden_letters_hide_nothing():
    plain, hidden = "a whole sentence of cafe talk", "a wh\u200bole sen\u00adtence of cafe\u0301 talk"
    read = spelling.read(pa.array([plain, hidden]))
    assert read.hashes[:6].tolist() == read.hashes[6:].tolist()


def questions(file):
    path = SEEDS / file
    if not path.exists():
        pytest.skip(f"needs {path}")
    return [json.loads(line)["question"] for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("ngram", "rows"), [(8, 94), (10, 11), (13, 4)])
def test_the_overlap_within_gsm8k_is_the_known_one(ngram, rows):
    train, test = questions("gsm8k_train.jsonl"), questions("gsm8k_test.jsonl")
    items = indexed([b""] * len(test), test, Search((), ngram, 0, ngram, len(test)))
    assert sum(any(hit.overlap > 0 for hit in hits) for hits in found_in(items, pa.array(train))) == rows


def test_planted_items_of_gsm8k_are_found_and_copies_with_other_numbers_too():
    train, test = questions("gsm8k_train.jsonl"), questions("gsm8k_test.jsonl")
    rng = random.Random(0)
    asked = Decontaminate(("gsm8k",))
    items = indexed([b""] * len(test), test, asked.search)
    number = re.compile(r"\d+(?:[.,]\d+)*")
    swapped = [
        number.sub(lambda _: str(rng.choice([rng.randint(2, 99), rng.randint(1_000, 99_999)])), one) for one in test
    ]

    def share(copies):
        planted = pa.array([f"{rng.choice(train)} {one} {rng.choice(train)}" for one in copies])
        refused = [
            any(hit.item == place and asked.refusal(hit._asdict()) for hit in hits)
            for place, hits in enumerate(found_in(items, planted))
        ]
        return sum(refused) / len(refused)

    assert share(test) == 1.0
    assert share(swapped) >= 0.95
    clean = [any(asked.refusal(hit._asdict()) for hit in hits) for hits in found_in(items, pa.array(train))]
    assert sum(clean) == 7  # four share 13 words with a test question, and three more the template of one


def test_all_of_mgsm_is_found_in_the_test_set_that_it_was_taken_from():
    path = SEEDS / "mgsm_en.tsv"
    test = questions("gsm8k_test.jsonl")
    rows = [line.partition("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    asked = Decontaminate(("gsm8k",))
    found = found_in(indexed([b""] * len(test), test, asked.search), pa.array(rows))
    assert sum(any(asked.refusal(hit._asdict()) for hit in hits) for hits in found) == len(rows) == 250


def test_a_store_without_the_benchmark_says_so(tmp_path):
    with pytest.raises(NotFound):
        Decontaminate(("gsm8k",)).resolve(Store(str(tmp_path)))
