import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from manifests.errors import BadRecipe
from manifests.tokens import load_tokenizer
from tests.trainer.small import SETTINGS, trained
from trainer.evaluate_command import evaluate
from trainer.exam import model_of, perplexities, recalled
from trainer.pfgen import GoodAnswers, discount, helpfulness
from trainer.recall import mqar, passkey, phonebook, right


def test_a_phonebook_has_each_name_once_and_shows_two_look_ups():
    for question in phonebook(60, count=5):
        book, shown = question.prompt.split("\n\n")
        names, numbers = zip(*[line.split(": ") for line in book.splitlines()], strict=True)
        assert len(set(names)) == len(set(numbers)) == 60
        assert all(re.fullmatch("[6-9][0-9]{9}", number) for number in numbers)
        *examples, asked = shown.splitlines()
        assert len(examples) == 2
        assert all(example in book for example in examples)
        assert asked.endswith(":")
        assert f"{asked} {question.answer}" in book
        assert asked not in "\n".join(examples)
    assert phonebook(60, count=2, seed=1)[0] != phonebook(60, count=2)[0] == phonebook(60, count=5)[0]
    assert {question.place > 0.5 for question in phonebook(60)} == {True, False}
    with pytest.raises(BadRecipe, match="no name is in it twice"):
        phonebook(5_000)


def test_a_passkey_stands_somewhere_in_filler_that_does_not_hold_it():
    questions = passkey(2_000)
    assert len(questions) == 50
    for question in questions:
        assert 1 <= int(question.answer) <= 50_000
        assert re.findall("[0-9]+", question.prompt) == [question.answer] * 2
        assert len(question.prompt) > 2_000
    assert min(one.place for one in questions) < 0.2
    assert max(one.place for one in questions) > 0.8


def test_mqar_asks_for_the_value_of_a_key_that_stands_once_before():
    for question in mqar(16, count=5):
        *words, key = question.prompt.split(" ")
        book = dict(zip(words[:32:2], words[1:32:2], strict=True))
        assert len(book) == 16
        assert book[key] == question.answer


@pytest.mark.parametrize(
    ("question", "reply", "is_right"),
    [
        (phonebook(5, 1)[0], " {}\nMax Ito: 1", True),
        (phonebook(5, 1)[0], " {}0\n", False),
        (phonebook(5, 1)[0], "", False),
        (passkey(100, 1)[0], " {}. Remember it.", True),
        (passkey(100, 1)[0], " {}1 {}", False),
        (mqar(5, 1)[0], " {} ab CD", True),
    ],
)
def test_replies_are_judged_by_their_first_line_number_or_word(question, reply, is_right):
    assert right(question, reply.replace("{}", question.answer)) is is_right


def test_the_toy_values_of_pfgen():
    good = GoodAnswers(["abcde", "abcxe"])
    assert good.baseline == 22.0
    assert [good.fluency(answer) for answer in ("abcde", "abc", "zzz")] == pytest.approx([1.0, 12 / 22, 0.0])
    keywords = [{"t": "abc", "importance": 1.0}, {"t": "xyz", "importance": 0.5}]
    assert [helpfulness(answer, keywords) for answer in ("abc", "abc xyz", "xyz")] == [0.5, 1.0, 0.0]


def test_truth_is_the_share_of_characters_in_known_threes_without_marks():
    good = GoodAnswers(["東京は首都です。"] * 2 + ["京都は古都です。"])
    assert good.truthfulness("東京は首都です。") == 1.0
    assert good.truthfulness("東京は、") == 1.0
    assert good.truthfulness("東京は猫猫猫") == pytest.approx(0.5)
    assert good.truthfulness("") == 0.0
    assert GoodAnswers(["abc", *["x"] * 399]).truthfulness("abc") == pytest.approx(0.5)


def test_long_answers_are_worth_less():
    assert [discount(chars) for chars in (100, 125, 150)] == [1.0, 0.5, 0.0]
    good = GoodAnswers(["ab" * 50])
    assert good.fluency("ab" * 50) == good.fluency("ab" * 50 + "z" * 200)
    assert helpfulness("z" * 120 + "key", [{"t": "key"}]) == pytest.approx(discount(123))
    assert helpfulness("key" + "z" * 300, [{"or": [{"t": "no"}, {"and": [{"t": "k"}, {"t": "y"}]}]}]) == 1.0
    with pytest.raises(BadRecipe, match="no regular expression"):
        helpfulness("a", [{"t": "("}])
    with pytest.raises(BadRecipe, match="neither t, and, nor or"):
        helpfulness("a", [{}])
    with pytest.raises(BadRecipe, match="without good answers"):
        GoodAnswers([])


def test_a_checkpoint_is_evaluated(store, tmp_path):
    done = trained(store, tmp_path, replace(SETTINGS, steps=20, learning_rate=5e-3))
    model, tokenizer = model_of(done), load_tokenizer(store, done.job.tokenizer)
    found = recalled(model, tokenizer, phonebook(4, count=2))
    assert (found.task, found.size, found.asked, found.accuracy) == ("phonebook", 4, 2, 0.0)
    before = perplexities(store, model_of(trained(store, tmp_path / "1", replace(SETTINGS, steps=1))), "texts", 32)
    assert 1 < perplexities(store, model, "texts", 32)["perplexity"] < before["perplexity"]
    arguments = [str(tmp_path), "texts", "--task", "mqar", "--size", "3", "--count", "1", "--store", store.url]
    told = json.loads(CliRunner().invoke(evaluate, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert told["recall"][0]["task"] == "mqar"
    assert told["perplexity"]["texts"]["perplexity"] > 1
    shown = CliRunner().invoke(evaluate, arguments, catch_exceptions=False).stdout
    assert "accuracy" in shown
    with pytest.raises(BadRecipe, match="nothing to evaluate"):
        evaluate.main([str(tmp_path), "--store", store.url], standalone_mode=False)
