"""Prompts and parsers of the tasks: pure functions, with a golden file of what they say."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chat_template import apply, neutral, tidy
from generators.chunks import Chunks, estimate
from generators.engine import Reply
from generators.gates import Gates, beside, translated
from generators.paraphrase import styled
from generators.replies import copied_share, length_ratio, numbers_kept, plain, repeated_share, said
from generators.retention import retention
from generators.styles import STYLES
from generators.translate import into
from generators.weights import echo_model
from manifests.errors import BadRecipe
from manifests.rows import Message
from manifests.stage import Kept, Rejected
from tests.generators.tasks import document

GOLDEN = Path(__file__).parents[1] / "golden" / "generators.json"
ENGLISH = document("Mina keeps 12 bees.\nShe says <|im_end|> to none of them.", "en")
JAPANESE = document("ミナは蜂を12匹飼っている。\nだれにも{text}とは言わない。", "ja")
TASKS = {
    "translate ja": (into("ja"), ENGLISH),
    "translate en": (into("en"), JAPANESE),
    "translate ja, the form of PLaMo": (into("ja", "plamo"), ENGLISH),
    **{
        f"paraphrase {style} {doc.language}": (styled(style, ("ja", "en")), doc)
        for style in STYLES
        for doc in (ENGLISH, JAPANESE)
    },
}


LONG = "bees of hers " * 40
ANSWERS = {
    "text": f"12 {LONG}",
    "pairs": f"Question: How many?\nAnswer: 12 {LONG}\n",
    "list": f"- 12 bees\n- {LONG}",
    "turns": "A: How many?\nB: 12.",
}


def reply(text: str) -> Reply:
    return Reply(text, "stop", 10, 10)


def test_the_prompts_are_the_golden_ones():
    """Run with KOBA_GOLDEN=1 to write them anew."""
    found = {name: echo_model().render(task.prompt(doc))[0] for name, (task, doc) in TASKS.items()}
    if os.environ.get("KOBA_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TASKS)
def test_a_reply_becomes_a_new_row_with_what_the_gates_need(name):
    task, doc = TASKS[name]
    answer = "Here is the text:\n\n蜂を 12 bees" if name.startswith("translate") else ANSWERS[task.style.form]
    prefix = "" if name.startswith("translate") else task.style.prefix.get(doc.language, "")
    made = task.parse(doc, reply(f"{prefix}\n{answer}"))
    assert made.parents == (doc.id,)
    assert "12" in made.text
    measured = translated("", doc.text, task.to) if name.startswith("translate") else beside("", "", "")
    kept = {score for score in made.scores if score.startswith("retention/")}
    assert set(made.scores) == set(measured) | kept
    assert kept == (set() if name.startswith("translate") else set(retention("", doc.text, doc.language)))
    assert made.language == (task.to if name.startswith("translate") else doc.language)


@pytest.mark.parametrize("name", TASKS)
def test_a_preamble_and_nothing_behind_it_is_a_reject(name):
    task, doc = TASKS[name]
    prefix = "" if name.startswith("translate") else task.style.prefix.get(doc.language, "")
    made = task.parse(doc, reply(f"{prefix}Sure! Here is the translation:\n\n"))
    assert isinstance(made, Rejected)
    assert made.reason.endswith("/empty")


@pytest.mark.parametrize(
    ("style", "text", "reason"),
    [
        ("qa", "Question: who?", "paraphrase/no_pairs"),
        ("facts", "Bees are many.", "paraphrase/no_list"),
        ("conversation", "A: I talk.\nA: And talk.", "paraphrase/no_turns"),
        ("distill", "A rewrite of 12 bees.", "paraphrase/no_prefix"),
        ("distill", "Rewritten text: 12 bees.", "paraphrase/short"),
        ("distill", "Rewritten text: ", "paraphrase/empty"),
        ("extract", "12 bees.", "paraphrase/short"),
    ],
)
def test_a_reply_that_has_not_the_form_of_its_style_is_a_reject(style, text, reason):
    assert styled(style, ("en",)).parse(ENGLISH, reply(text)).reason == reason


def test_emphasis_prefix_and_quotation_marks_are_taken_off():
    task = styled("distill", ("en",))
    made = task.parse(ENGLISH, reply(f'Rewritten text:\n"**Mina** keeps *12* {LONG}"'))
    assert made.text == f"Mina keeps 12 {LONG}".strip()
    for code in ("2 * 3 * 4 snake_case_name", "__init__ and _private_ names", "f(*args, **kwargs)"):
        assert plain(code) == code
    assert plain("__all of it__ and _some of it_") == "all of it and some of it"
    assert plain('"One" and "two"') == '"One" and "two"'
    assert plain("「一つ」と「二つ」") == "「一つ」と「二つ」"


def test_lists_and_turns_are_written_in_one_form():
    listed = styled("facts", ("en",)).parse(ENGLISH, reply(f"Notes:\n* 12 bees\n2. {LONG}\n  more"))
    assert listed.text == f"12 bees\n{LONG.strip()} more"
    told = styled("conversation", ("ja",)).parse(JAPANESE, reply("**A：** 何匹？\nＢ: 12匹です。\n"))
    assert told.text == "A: 何匹？\nB: 12匹です。"


def test_questions_stand_behind_their_source_as_many_as_the_seed_draws():
    doc = document("Mina keeps 12 bees. " * 20)
    quiz = "\n".join([f"Question: Number {n}?\nAnswer: It is {n}." for n in range(8)])
    made = {seed: styled("diverse_qa", ("en",), seed).parse(doc, reply(quiz)).text for seed in range(12)}
    assert all(text.startswith(f"{doc.text}\n\nQuestion: Number") for text in made.values())
    counts = [text.count("Question:") for text in made.values()]
    assert min(counts) >= 1
    assert max(counts) <= 100 / 15
    assert len(set(counts)) > 1
    again = styled("diverse_qa", ("en",), 3).parse(doc, reply(quiz)).text
    assert again == made[3]


def test_what_a_rewrite_keeps_is_measured_where_its_source_has_any():
    source = "Karl von Frisch decoded the dance of bees in 1927. He worked in Munich."
    assert retention("In 1927 Frisch did it.", source, "en") == {
        "retention/numbers": 1.0,
        "retention/names": 0.5,
    }
    assert retention("何も", "花が咲いている。", "ja") == {}
    assert retention("フリッシュが1,927年に解いた。", "カール・フォン・フリッシュは１９２７年に解いた。", "ja") == {
        "retention/numbers": 1.0,
        "retention/names": 1.0,
    }
    assert retention("rien", "Rien en 1927.", "fr") == {"retention/numbers": 0.0}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Sure! Here is the translation:\n\nこんにちは", "こんにちは"),
        ("Here's the rewritten text:\nHello", "Hello"),
        ("Of course!\nHello", "Hello"),
        ("以下は翻訳です。\n\nこんにちは", "こんにちは"),
        ("以下に訳文を示します：\nこんにちは", "こんにちは"),
        ("はい、承知しました。\nこんにちは", "こんにちは"),
        ("翻訳：こんにちは", "こんにちは"),
        ("```\nfenced\n```", "fenced"),
        ("Here is a house. It is red.", "Here is a house. It is red."),
        ("以下の例を見よ、と彼は言った。それは長い話だった。", "以下の例を見よ、と彼は言った。それは長い話だった。"),
        ("Surely not.\nNever.", "Surely not.\nNever."),
        ("はいからさんが通る", "はいからさんが通る"),
    ],
)
def test_what_is_said_is_told_from_what_is_said_about_it(text, wanted):
    assert said(text) == wanted


def test_the_measures_of_the_gates():
    assert length_ratio("a b c", "abcdef") == 0.5
    assert copied_share(ENGLISH.text, ENGLISH.text) == 1.0
    assert copied_share(JAPANESE.text, ENGLISH.text) == 0.0
    assert repeated_share("abc" * 200) > 0.95
    assert repeated_share("no word of this sentence stands in it twice") == 0.0
    assert numbers_kept("12 bees", "12 bees, 3.5 dogs") == 0.5
    assert numbers_kept("none", "none") == 1.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Mina keeps 12 bees and says it to none.", None),
        ("Mina.", "gates/short"),
        (ENGLISH.text, "gates/copied"),
        ("Mina keeps some bees, says she of none.", "gates/lost_numbers"),
        ("12 bees " * 12, "gates/repetitive"),
        ("Mina 蜂 keeps 12 bees and says it to none.", "gates/foreign"),
        ("12 " + " ".join(map(str, range(1000, 1060))), "gates/long"),
    ],
)
def test_the_gates_refuse_with_reasons(text, reason):
    gates = Gates(0.2, 3.0, 0.8, 1.0)
    [outcome] = gates([styled("easy", ("en",)).parse(ENGLISH, reply(text))])
    assert (outcome.reason if isinstance(outcome, Rejected) else None) == reason


def test_a_row_that_no_task_measured_passes_the_gates():
    assert isinstance(next(iter(Gates(0.2, 3.0)([ENGLISH]))), Kept)


@given(st.text(), st.integers(1, 40))
def test_parts_put_together_are_the_text_and_none_is_too_long(text, most):
    parts = Chunks(most).parts(text)
    assert "".join(parts) == text
    assert all(estimate(part) <= most or len(part) == 1 for part in parts)


def test_parts_end_with_sentences():
    japanese = ["一つ目の文です。", "二つ目の「文」です。", "三つ目。"]
    assert Chunks(7).parts("".join(japanese)) == japanese
    assert Chunks(9).parts("First, see e.g. this. Second one here.") == ["First, see e.g. this.", " Second one here."]
    assert Chunks(5).parts("Dr. Li saw J. Doe. See Fig. 2.") == ["Dr. Li saw J. Doe.", " See Fig. 2."]
    assert Chunks(12).parts("彼は「はい。すぐ。」と言った。去った。") == ["彼は「はい。すぐ。」と言った。", "去った。"]


ENGLISH_SENTENCES = (
    "Bees dance.",
    "Mr. Li keeps 3.5 hives, no more.",
    'He said "Stop!".',
    "Why? ",
    "A list:\n",
)
JAPANESE_SENTENCES = (
    "蜂は踊る。",
    "「はい。そうです。」と答えた。",
    "本当か！？",
    "（注。長い。）の文。",
    "見出し\n",
)
SENTENCES = st.sampled_from([*(f"{one} " for one in ENGLISH_SENTENCES), *JAPANESE_SENTENCES])


@given(st.lists(SENTENCES, max_size=12), st.integers(1, 40))
def test_no_sentence_that_fits_into_a_part_is_cut(sentences, most):
    parts = Chunks(most).parts("".join(sentences))
    ends = {0}
    for part in parts:
        ends.add(max(ends) + len(part))
    start = 0
    for sentence in sentences:
        said = sentence.rstrip()
        if estimate(sentence) <= most - 1:  # blanks before it count too
            assert not ends & set(range(start + 1, start + len(said)))
        start += len(sentence)


@given(st.text(st.sampled_from("ab, 、あ")), st.integers(2, 20))
def test_a_sentence_longer_than_a_part_is_cut_after_a_clause_or_a_word_where_it_has_one(text, most):
    parts = Chunks(most).parts(text)
    assert "".join(parts) == text
    assert all(estimate(part) <= most for part in parts)
    assert Chunks(5).parts("one two three four five six") == ["one two three four ", "five six"]


def test_parts_that_are_too_short_are_left_out():
    split = Chunks(9, join=False, least_tokens=3)
    assert split.parts("Ah!\n\n\nThis one is long enough.\nThis one is long enough, too.\n") == [
        "Ah!\n\n\nThis one is long enough.\n",
        "This one is long enough, too.\n",
    ]
    assert split.parts("Ah!") == [""]
    with pytest.raises(BadRecipe, match="least_tokens"):
        Chunks(9, least_tokens=3)


MARKERS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|plamo:op|>"),
    *("[INST]", "[/INST]", "<<SYS>>", "<start_of_turn>", "<｜User｜>"),
)


@given(st.lists(st.sampled_from([*MARKERS, "<", "|", ">", " ", "a", "<s>", "日本"]), max_size=8).map("".join))
def test_no_control_token_is_left_in_a_text(text):
    clean = neutral(text, ("<s>",))
    assert not any(marker in clean for marker in (*MARKERS, "<s>"))
    assert clean.replace(" ", "") == text.replace(" ", "")


def test_html_stays_as_it_is_for_models_that_do_not_read_it_as_control():
    assert neutral("<s>old</s> <b>new</b> a <| b |> c[INS]") == "<s>old</s> <b>new</b> a < | b |> c[INS]"


def test_a_text_is_made_fit_for_a_tokenizer():
    assert tidy("a\0b\ud800c\U0001f600") == "ab\ufffdc\U0001f600"


def test_a_template_has_no_clock_and_may_refuse():
    ask = (Message("user", "hi"),)
    assert apply("{{ 'no clock' if strftime_now is not defined else 'clock' }}", ask, "", "") == "no clock"
    assert apply("{{ bos_token }}{{ messages[0].content | tojson }}", ask, "<s>", "") == '<s>"hi"'
    with pytest.raises(BadRecipe, match="refuses messages of user: no system"):
        apply("{{ raise_exception('no system') }}", ask, "", "")
    with pytest.raises(BadRecipe, match="cannot be read"):
        apply("{% if %}", ask, "", "")


def test_a_model_without_a_template_takes_strings_only():
    plain = echo_model(template="")
    assert plain.render("once <|im_end|>") == ("once < |im_end|>", None)
    with pytest.raises(BadRecipe, match="has no chat template"):
        plain.render((Message("user", "hi"),))
