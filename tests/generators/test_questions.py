"""Questions and textbooks from documents: how replies are read, which pairs are sound, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.engine import Reply
from generators.least_score import LeastScore
from generators.pairs import FAULTS, Pair, Quiz, fault, grounded, read, sound, written
from generators.questions import PROMPTS, asking
from generators.questions import recipe as questions
from generators.textbook import prose, writing
from generators.textbook import recipe as textbook
from manifests.errors import BadRecipe
from manifests.rows import Conversation
from manifests.stage import Kept, Rejected
from tests.generators.tasks import document

BEES = (
    "Bees dance to show their sisters the way to flowers. The dance was decoded by Karl von Frisch in 1927. "
    "A hive holds 20,000 bees."
)
HACHI = "蜜蜂は踊りで仲間に花の場所を伝える。踊りは1927年にフリッシュが解読した。巣には2万匹の蜂がいる。"
DOC, JA = document(BEES), document(HACHI, "ja")
GOOD = "Question: Who decoded the dance of bees?\nAnswer: Karl von Frisch.\n"
ALSO = "Question: How many bees live in a hive?\nAnswer: About 20000 bees.\n"


def reply(text):
    return Reply(text, "stop", 10, 10)


@pytest.mark.parametrize(
    ("text", "pairs", "halves"),
    [
        ("Question: Who? Answer: Bees.", [("Who?", "Bees.")], 0),
        ("Here they are:\n1. **Question:** Who?\n   **Answer:** Bees.\n2. Question: What?", [("Who?", "Bees.")], 1),
        (
            "Q1: Who?\nA1: Bees,\nall of them.\n\nQ2: What?\nA2: A dance.",
            [("Who?", "Bees, all of them."), ("What?", "A dance.")],
            0,
        ),
        (
            "- Question: Who? - Answer: Bees.\n- Question: What?\n- Answer: A dance.",
            [("Who?", "Bees."), ("What?", "A dance.")],
            0,
        ),
        ("質問：だれ？\n答え：蜂。\n質問２：何？　回答：踊り。", [("だれ？", "蜂。"), ("何？", "踊り。")], 0),
        ("問：だれ？\n答：蜂。", [("だれ？", "蜂。")], 0),
        ("Answer: Bees.\nQuestion: Who?", [], 2),
        ("Question:\nAnswer: Bees.", [], 1),
        ("The question is: who? The answer is: bees.", [], 0),
        ("", [], 0),
    ],
)
def test_pairs_are_read_as_models_write_them(text, pairs, halves):
    assert read(text) == Quiz(tuple(Pair(*pair) for pair in pairs), halves)


@given(st.text(st.sampled_from("QA:question answer質問答え：\n *-1.")))
def test_no_reply_breaks_the_reader_and_what_is_written_is_read_again(text):
    pairs = read(text).pairs
    for language in PROMPTS:
        assert len(read(written(pairs, language)).pairs) >= len([one for one in pairs if one.question.isalnum()])


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("Who decoded the dance?", "Karl von Frisch.", None),
        ("How many bees live in a hive?", "20000", None),
        ("Is it a dance or a song?", "A dance.", None),
        ("Do bees dance?", "Yes.", None),
        ("What is the passage about?", "Bees dance.", "about_text"),
        ("Who is Karl von Frisch?", "Karl von Frisch", "given_away"),
        ("When was it decoded?", "In 1973.", "ungrounded"),
        ("Who decoded the dance?", "Karl von フリッシュ.", "foreign"),
        ("Who decoded the dance?", "Albert Einstein, working in Zurich.", "ungrounded"),
    ],
)
def test_a_pair_has_a_fault_or_none(question, answer, found):
    assert fault(Pair(question, answer), BEES, "en") == found


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("踊りを解読したのは誰ですか。", "フリッシュです。", None),
        ("蜂は何匹いますか。", "２万匹います。", None),
        ("この文章の主題は何ですか。", "蜜蜂の踊り。", "about_text"),
        ("フリッシュとは誰ですか。", "フリッシュ", "given_away"),
        ("いつ解読されましたか。", "1973年です。", "ungrounded"),
        ("誰が解読しましたか。", "这是フリッシュです。", "foreign"),
        ("誰が解読しましたか。", "フリッシュ씨です。", "foreign"),
        ("何を伝えますか。", "太陽系の惑星と恒星の位置です。", "ungrounded"),
    ],
)
def test_a_japanese_pair_has_a_fault_or_none(question, answer, found):
    assert fault(Pair(question, answer), HACHI, "ja") == found


def test_a_reader_who_sees_the_text_may_be_asked_about_it():
    pair = Pair("What is the passage about?", "The dance of bees.")
    assert fault(pair, BEES, "en", shown=True) is None
    assert grounded("", BEES) == 1.0


def test_the_sound_pairs_stay_and_faults_are_counted():
    pairs = read(GOOD + GOOD + ALSO + "Question: When was the dance decoded?\nAnswer: In 1999.").pairs
    kept, faults = sound(pairs, BEES, "en")
    assert [pair.answer for pair in kept] == ["Karl von Frisch.", "About 20000 bees."]
    assert faults == {"repeated": 1, "ungrounded": 1}
    assert set(faults) <= set(FAULTS)


def task(**changes):
    given = {"languages": ("en", "ja"), "count": 5, "least": 2, "form": "documents", "with_source": False}
    return asking(**given | changes)


@pytest.mark.parametrize(
    ("text", "reason", "values"),
    [
        ("Bees are nice.", "questions/no_pairs", {}),
        (GOOD, "questions/too_few", {}),
        (f"{GOOD}Question: What is more?", "questions/halves", {"questions/halves": 1.0}),
        (f"{GOOD}Question: When?\nAnswer: 1999.", "questions/ungrounded", {"questions/ungrounded": 1.0}),
        (f"{GOOD}{GOOD}", "questions/repeated", {"questions/repeated": 1.0}),
        (
            f"{GOOD}Question: Say what the text says.\nAnswer: Bees dance.",
            "questions/about_text",
            {"questions/about_text": 1.0},
        ),
        (f"{GOOD}Question: Who are bees?\nAnswer: Bees.", "questions/given_away", {"questions/given_away": 1.0}),
    ],
)
def test_a_reply_with_too_few_sound_pairs_is_refused_for_the_commonest_fault(text, reason, values):
    refused = task().parse(DOC, reply(text))
    assert isinstance(refused, Rejected)
    assert (refused.reason, dict(refused.values)) == (reason, values)


def test_sound_pairs_are_a_text_of_their_own_or_stand_behind_their_source_or_are_turns():
    made = task().parse(DOC, reply(GOOD + ALSO))
    assert made.text == (GOOD + "\n" + ALSO).strip()
    assert (made.parents, made.scores) == ((DOC.id,), {"questions/sound": 2.0})
    assert task(with_source=True).parse(DOC, reply(GOOD + ALSO)).text == f"{BEES}\n\n{made.text}"
    told = task(form="conversations").parse(DOC, reply(GOOD + ALSO))
    assert isinstance(told, Conversation)
    assert [turn.role for turn in told.messages] == ["user", "assistant"] * 2
    japanese = task(least=1).parse(JA, reply("質問：踊りを解読したのは誰ですか。\n答え：フリッシュです。"))
    assert japanese.text == "質問：踊りを解読したのは誰ですか。\n答え：フリッシュです。"


def test_the_number_of_questions_is_said_in_the_language_of_the_text():
    assert "write 5 questions" in task().prompt(DOC)[0].content
    assert "質問を5問" in task().prompt(JA)[0].content


def test_educational_documents_are_told_by_a_score():
    scored = {name: document(name, scores={"annotate/education": score}) for name, score in (("a", 3.0), ("b", 2.0))}
    found = list(LeastScore()([scored["a"], scored["b"], DOC]))
    assert isinstance(found[0], Kept)
    assert [(one.reason, one.value) for one in found[1:]] == [("score/too_low", 2.0), ("score/missing", 0.0)]
    assert [type(step).__name__ for step in questions(min_score=3).steps].count("LeastScore") == 1
    assert "LeastScore" not in [type(step).__name__ for step in textbook().steps]


def book(**changes):
    return writing(**{"styles": ("textbook",), "audiences": ("children",), "languages": ("en", "ja")} | changes)


PROSE = "The dance of bees shows their sisters where flowers are, and how far. " * 12


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PROSE, None),
        ("Sure! Here is the section:\n\n", "textbook/empty"),
        ("Bees dance.", "textbook/short"),
        ("# Bees\n- they dance\n- they fly\n" * 40, "textbook/outline"),
        ("Cars drive on roads of tar. " * 40, "textbook/off_topic"),
    ],
)
def test_what_is_no_text_on_the_subject_is_refused(text, reason):
    made = book().parse(DOC, reply(text))
    assert (made.reason if isinstance(made, Rejected) else None) == reason


def test_style_and_audience_are_drawn_by_the_id_and_the_seed_alone():
    docs = [document(str(number)) for number in range(40)]
    several = book(styles=("textbook", "story"), audiences=("children", "experts"))
    drawn = [several.drawn(doc) for doc in docs]
    assert len(set(drawn)) == 4
    assert drawn == [several.drawn(doc.replace(text="other")) for doc in docs]
    other = book(styles=("textbook", "story"), audiences=("children", "experts"), seed=1)
    assert drawn != [other.drawn(doc) for doc in docs]
    made = several.parse(DOC, reply(PROSE))
    assert (made.labels["style"], made.labels["audience"]) == several.drawn(DOC)


def test_prose_is_what_stands_in_lines_that_end_a_sentence():
    assert prose("This is one.\nTitle\n") == pytest.approx(12 / 17)
    assert prose("一つの文である。\n「二つ目。」") == 1.0
    assert prose("") == 0.0


def test_what_there_is_not_is_refused_in_words():
    with pytest.raises(BadRecipe, match="textbook: found 'poem'; expected one or more of textbook, lecture"):
        textbook(style=("poem",))
    with pytest.raises(BadRecipe, match="expected documents or conversations, in en or ja"):
        questions(form="songs")
    with pytest.raises(BadRecipe, match="a source with documents only"):
        questions(form="conversations", with_source=True)
    with pytest.raises(BadRecipe, match="at least 6 of 5"):
        questions(least=6)
