"""What is a refusal of the model, and what only looks like one."""

import time
from pathlib import Path

import pytest

from generators.echo import repeat
from generators.refusals import MOST_CHARS, declines
from manifests.run import run
from manifests.store import Store
from tests.generators.tasks import asks, texts

REFUSALS = (
    "I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I'm sorry, I cannot fulfill this request.",
    "Sorry, but I can't help with that. Is there anything else you would like to know?",
    "I cannot provide a translation of this text.",
    "I'm unable to help with this.",
    "I am not able to provide that information.",
    "Unfortunately, I am unable to translate this content.",
    "As an AI language model, I cannot provide medical advice.",
    "I'm sorry, but as an AI language model, I can't create content that is harmful.",
    "I apologize for the confusion, but I cannot rewrite this text.",
    "I understand that you want a rewrite, but I can't help with that.",
    "I won't assist with this.",
    "I can't do that.",
    "I'm sorry, I cannot answer that.",
    "I can't help you because it is against the law.",
    "I must decline to answer this question.",
    "I'm just an AI, I cannot answer that question.",
    "  I cannot\nassist with that. ",
    "申し訳ありませんが、お手伝いできません。",
    "申し訳ございませんが、そのご要望にはお応えできません。",
    "申し訳ありません。この文章を翻訳することはできません。",
    "申し訳ありませんが、その質問にはお答えできかねます。ほかにご質問はありますか。",
    "すみませんが、その内容については回答できません。",
    "残念ながら、この内容には対応できません。",
    "私はAIアシスタントですので、医療上の助言を提供することはできません。",
    "AIモデルとして、そのような内容を生成することはできません。",
    "そのリクエストには応じることができません。",
    "大変申し訳ございませんが、対応いたしかねます。",
)
TEXTS = (
    "I can't help but admire the keeper of the little factory.",
    "I cannot help thinking of the river at night.",
    "I can't help it: I love the sea.",
    "\"I'm sorry, but I can't help with that,\" said the clerk, and closed the window.",
    "“I can't assist with that request” is what models say when they refuse.",
    "The assistant answered: I'm sorry, but I can't help with that. The user left.",
    "I'm sorry that the summer is over, for the boats stay in the harbour now.",
    "I cannot write about my village without the smell of the mill.",
    "I could not answer that question, she thought, and looked away.",
    "Sorry seems to be the hardest word.",
    "Unfortunately, the bridge was closed in 1987.",
    "We cannot provide refunds after thirty days.",
    "I can't sleep when the factory is silent.",
    "As an AI researcher, I work on translation.",
    'Refusals such as "I can\'t help with that" are common in synthetic data and are to be removed.',
    "「申し訳ありませんが、お手伝いできません」と駅員は言った。",
    "「申し訳ありませんが、お手伝いできません」という返事は、言語モデルがよく使う断りの言葉である。",
    "駅員は申し訳なさそうに、手伝うことはできませんと言った。",
    "申し訳ありませんが、お手伝いできませんと言われて、彼は帰った。",
    "残念ながら、その橋は一九八七年に閉鎖された。",
    "彼の質問には誰も答えることができなかった。",
    "AIは文章を生成することができます。",
    "この内容は誰でも自由に利用できます。",
    "申し訳ない気持ちでいっぱいだった。それでも彼は翻訳を続けた。",
    "工場の番人は、毎晩川に沿って歩く。",
    "I can't do without this dictionary.",
    "I can't do without your advice.",
    "I can't write with this dull pencil.",
    "I can't help you because I'm too busy.",
    "アシスタントAとBの両方とも、質問に対する答えを提供することはできませんでした。",
    "私は彼の質問に答えることができませんでした。",
    "",
    "…",
)


@pytest.mark.parametrize("reply", REFUSALS)
def test_a_refusal_is_one(reply):
    assert declines(reply)


@pytest.mark.parametrize("reply", TEXTS)
def test_a_text_that_quotes_a_refusal_or_begins_like_one_is_none(reply):
    assert not declines(reply)


@pytest.mark.parametrize("reply", REFUSALS)
def test_a_refusal_inside_a_text_is_none(reply):
    assert not declines(f"The keeper read the letter aloud. {reply}")
    assert not declines(f"番人は手紙を読み上げた。{reply}")
    assert not declines(f"「{reply}」")


def test_the_rewrite_or_translation_of_a_refusal_is_none():
    assert not declines("申し訳ありませんが、お手伝いできません。", asked="I'm sorry, but I can't help with that.")
    assert declines("申し訳ありませんが、お手伝いできません。", asked="The keeper counts the boats.")


def test_what_goes_on_and_on_is_none():
    assert not declines("I can't help with that. " + "The keeper counts the boats. " * (MOST_CHARS // 20))


@pytest.mark.parametrize("piece", ["i'm sorry ", "i understand ", "as an ai ", "申し訳", "私はAI", "sorry, but "])
def test_a_hostile_reply_takes_no_longer(piece):
    start = time.thread_time()
    assert not declines((piece * MOST_CHARS)[:MOST_CHARS])
    assert time.thread_time() - start < 5


def test_a_refusal_is_a_reject_of_its_own_kind(tmp_path):
    def answer(request):
        return "I'm sorry, but I can't help with that." if "two" in request.prompt else repeat(request)

    made = run(asks(answer), texts("one", "two"), store=Store(str(tmp_path / "s"))).manifest
    assert (made.rows, made.steps[1].reasons) == (1, {"generate/refusal": 1})


def test_no_sentence_of_real_texts_is_taken_for_one():
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "parallel-enja"
    if not folder.exists():
        pytest.skip("no real sentences here: ../shared is absent")
    lines = [line for path in sorted(folder.glob("*.[ej][na]")) for line in path.read_text("utf-8").splitlines()]
    assert len(lines) > 20_000
    assert [line for line in lines if declines(line)] == []
