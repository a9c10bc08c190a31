"""Exercises of Self-Tuning: what holds for all of them, on texts of our own, on random ones and on real ones."""

import gzip
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import self_tuning
from generators.exercises import LEVELS
from generators.teaching import TASKS, WORDINGS, SelfTuning
from manifests.errors import BadRecipe
from manifests.rows import row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from tests.generators.lessons import ENGLISH, JAPANESE, Docs, answered, check, check_sentences

GOLDEN = Path(__file__).parents[1] / "golden" / "self_tuning.json"
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
BOTH = pytest.mark.parametrize("doc", [ENGLISH, JAPANESE], ids=["en", "ja"])
ENGLISH_WORDS = [
    "Anna Berg",
    "Oslo",
    "1957",
    "12 May 1962",
    "48,000",
    "the",
    "river",
    "of",
    '"The Wave"',
    "U.S.",
    "____",
]
JAPANESE_WORDS = [
    "東京",
    "佐藤一郎",
    "1957年",
    "三千人",
    "の",
    "川",
    "で",
    "『第九の波』",
    "製造技術",
    "＿＿＿＿",
    "が流れた",
]


def made(doc, **given_fields):
    return list(SelfTuning(**given_fields)([doc]))


def only(rows, task):
    return [row for row in rows if row.labels["task"] == task]


@BOTH
def test_the_exercises_are_the_golden_ones(doc):
    """Run with KOBA_GOLDEN=1 to write them anew."""
    wordings = {"single": made(doc), "read": made(doc, layout="read"), "turns": made(doc, form="conversations", seed=1)}
    found = {
        layout: [
            [row.labels["task"], getattr(row, "text", None) or [turn.content for turn in row.messages]] for row in rows
        ]
        for layout, rows in wordings.items()
    }
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("KOBA_GOLDEN"):
        golden[doc.language] = found
        GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert golden[doc.language] == found


@BOTH
def test_every_task_is_made_and_says_its_level_its_parent_and_its_licence(doc):
    rows = [row for seed in range(4) for row in made(doc, seed=seed)]
    assert {row.labels["task"] for row in rows} == set(TASKS)
    assert {(row.labels["level"], row.parents, row.licence) for row in rows} == {
        (level, (doc.id,), "CC0-1.0") for level in LEVELS.values()
    }


@BOTH
@pytest.mark.parametrize("seed", range(6))
def test_what_holds_for_all_exercises_holds(doc, seed):
    check(doc, made(doc, seed=seed, sentences=5))
    check_sentences(doc)


@settings(max_examples=150)
@given(
    st.sampled_from(["en", "ja"]),
    st.lists(st.lists(st.integers(0, 10), min_size=2, max_size=12), max_size=6),
    st.text(max_size=20),
)
def test_what_holds_for_all_exercises_holds_for_texts_of_any_making(language, shapes, tail):
    vocabulary, blank, stop = (ENGLISH_WORDS, " ", ". ") if language == "en" else (JAPANESE_WORDS, "", "。")
    text = "".join([blank.join([vocabulary[place] for place in shape]) + stop for shape in shapes]) + "\n" + tail
    doc = (ENGLISH if language == "en" else JAPANESE).replace(text=text)
    rows = made(doc, min_chars=1)
    if isinstance(rows[0], Rejected):
        assert rows[0].reason in {"self_tuning/short", "self_tuning/no_sentence", "self_tuning/no_entity"}
    else:
        check(doc, rows)
        check_sentences(doc)


@pytest.mark.parametrize(
    ("language", "folder", "column"),
    [
        ("en", "wcxb-dev/wcxb-dev.gold.jsonl.gz", "main_content"),
        ("ja", "ja-wikipedia-paragraphs/paragraphs.jsonl.gz", "text"),
    ],
)
def test_what_holds_for_all_exercises_holds_for_real_texts(language, folder, column):
    if not (SHARED / folder).exists():
        pytest.skip("needs real texts: ../shared/data")
    with gzip.open(SHARED / folder, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line, _ in zip(lines, range(150), strict=False)]
    tasks, docs = Counter(), 0
    for place, record in enumerate(records):
        doc = ENGLISH.replace(id=row_id("document", "real", str(place)), text=record[column] or "", language=language)
        doc = doc.replace(labels={"title": record.get("title") or ""})
        rows = made(doc)
        if not isinstance(rows[0], Rejected):
            check(doc, rows)
            check_sentences(doc)
            docs += 1
            tasks.update([row.labels["task"] for row in rows])
    assert docs > 100
    assert 9 < sum(tasks.values()) / docs < 14  # the paper's: 11.8


@BOTH
def test_the_order_of_the_documents_and_of_other_runs_changes_nothing(doc):
    other = doc.replace(id=row_id("document", "lessons", "other"))
    stage = SelfTuning()
    forth = [row for row in stage([doc, other]) if row.parents == (doc.id,)]
    back = [row for row in stage([other, doc]) if row.parents == (doc.id,)]
    assert forth == back == made(doc)
    assert [row.text for row in made(doc, seed=1)] != [row.text for row in made(doc)]
    assert [row.text for row in made(other)] != [row.text for row in made(doc)]


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("Anna went to Oslo.", "de", "language"),
        ("Anna went to Oslo.", None, "language"),
        ("Anna went to Oslo.", "en", "short"),
        ("- Opening hours\n- Prices\n- The way to Oslo\n" * 5, "en", "no_sentence"),
        ("def f(x):\n    return x.y + 1\n" * 10, "en", "no_sentence"),
        ("The old house was built by the river a long time ago. " * 3, "en", "no_entity"),
        ("昔、川のそばに古い家が建てられた。" * 8, "ja", "no_entity"),
        ("開館時間\n料金\n行き方\n" * 12, "ja", "no_sentence"),
    ],
)
def test_a_document_of_which_nothing_can_be_made_is_refused_with_a_reason(text, language, reason):
    [refused] = made(ENGLISH.replace(text=text, language=language))
    assert refused.reason == f"self_tuning/{reason}"


def test_tasks_that_need_a_title_are_refused_without_one():
    [refused] = made(ENGLISH.replace(labels={}), tasks=("summarisation", "teaching"))
    assert refused.reason == "self_tuning/no_task"
    rows = made(ENGLISH.replace(labels={"title": "x" * 300}))
    assert not {row.labels["task"] for row in rows} & {"summarisation", "teaching"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The old house by the river was sold to a farmer in Oslo.", "en"),
        ("川のそばにある古い家は東京の役所が建てたものだと言われている。", "ja"),
    ],
)
def test_one_thing_that_is_named_gives_no_choice_and_nothing_to_exchange(text, language):
    doc = (ENGLISH if language == "en" else JAPANESE).replace(text=text, labels={"title": "x"})
    for seed in range(8):
        rows = made(doc, seed=seed, min_chars=1)
        assert not only(rows, "choice")
        assert {answered(row, WORDINGS[language])[1] for row in only(rows, "nli")} == {WORDINGS[language].yes}
        assert len(only(rows, "blank")) == 1


def test_an_exchanged_date_makes_a_sentence_wrong_and_an_exchanged_name_makes_it_uncertain():
    text = "Anna Berg lives in Oslo. The house was built in 1957. Karl Dahl came from Bergen. The house burnt in 1962."
    said = set()
    for seed in range(20):
        for row in only(made(ENGLISH.replace(text=text), seed=seed, min_chars=1), "nli"):
            prompt, answer = answered(row, WORDINGS["en"])
            shown = prompt.split("by the text above?\n")[1].split("\n")[0]
            said.add((bool(re.search(r"\d", shown)), shown in text, answer))
    assert said == {
        (True, True, "Yes"),
        (False, True, "Yes"),
        (True, False, "No"),
        (False, False, "It's impossible to say"),
    }


@BOTH
def test_the_read_layout_has_the_text_and_all_questions_about_it_in_one_row(doc):
    rows = made(doc, layout="read")
    [reading] = only(rows, "reading")
    assert reading.text.startswith(f"{doc.labels['title']}\n\n{doc.text}\n\n")
    assert (
        reading.text.count(WORDINGS[doc.language].prompt.format(question="").strip()) == 5
    )  # title, gist, three of NLI
    assert {row.labels["level"] for row in rows} == {"comprehension", "self_reflection"}
    assert Counter(row.text for row in rows if row is not reading) == Counter(
        row.text for row in made(doc) if row.labels["level"] == "self_reflection"
    )


@BOTH
def test_conversations_say_the_same_in_turns(doc):
    texts = [row.text for row in made(doc) if row.labels["task"] != "memorisation"]
    turns = made(doc, form="conversations")
    prompt = WORDINGS[doc.language].prompt
    assert [prompt.format(question=row.messages[0].content) + row.messages[1].content for row in turns] == texts
    [reading] = only(made(doc, form="conversations", layout="read"), "reading")
    assert [turn.role for turn in reading.messages] == ["user", "assistant"] * 5
    assert doc.text in reading.messages[0].content
    assert not any(doc.text in turn.content for turn in reading.messages[1:])


def test_braces_in_a_text_or_a_title_stay_as_they_are():
    text = "Here {title} was written by {0} Anna Berg in Oslo. {{text}} was read by Karl Dahl in 1957 {sentence}. " * 2
    rows = made(ENGLISH.replace(text=text, labels={"title": "{question} {text!r}"}))
    assert (
        only(rows, "teaching")[0].text == f"Tell me about this topic: {{question}} {{text!r}}\nAnswer: {text.strip()}"
    )


def test_hostile_texts_take_bounded_time():
    for text in (
        "A" * 50_000,
        "A. " * 20_000,
        '"A' * 20_000,
        "Aa " * 20_000 + ".",
        "1," * 30_000,
        "「" * 30_000 + "。",
        "あ" * 40_000,
    ):
        for language in ("en", "ja"):
            assert all(isinstance(row, Rejected) for row in made(ENGLISH.replace(text=text, language=language)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": ("rhyming",)},
        {"tasks": ()},
        {"layout": "loose"},
        {"form": "songs"},
        {"wordings": {"de": WORDINGS["en"]}},
    ],
)
def test_what_is_not_known_is_no_recipe(wrong):
    with pytest.raises(BadRecipe, match=r"expected tasks among memorisation"):
        SelfTuning(**wrong)


def test_the_command_makes_a_dataset_that_says_its_prompts_and_previews_without_a_trace(tmp_path):
    store = Store(str(tmp_path / "s"))
    run(Recipe("import", ()), Docs((ENGLISH, JAPANESE)), store=store, tag="given")
    shown = CliRunner().invoke(self_tuning.main, ["given", "--store", store.url, "--preview", "2"])
    assert "What belongs in the gap?" in shown.stdout + shown.stderr
    assert store.head("self-tuning") is None
    done = CliRunner().invoke(self_tuning.main, ["given", "--store", store.url, "--workers", "1"])
    assert done.exit_code == 0, done.output
    manifest = store.manifest("self-tuning")
    rows = list(View(store, manifest))
    assert {row.language for row in rows} == {"en", "ja"}
    assert len({row.id for row in rows}) == len(rows) == manifest.rows
    assert {"en Wording.gist", "ja Wording.gist"} <= set(manifest.prompts)
