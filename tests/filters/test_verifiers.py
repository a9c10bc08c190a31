"""Each constraint against replies that satisfy it, violate it, and stand on its boundary."""

import dataclasses
import json
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from filters.constraint import Constraint, variants
from filters.constraint_draws import drawn
from filters.constraint_records import record, verdicts
from filters.verifiers import IDS, constraint
from filters.verify_command import verify_replies
from manifests.errors import BadRow
from tests.filters.constraint_cases import CASES

ALL = [*IDS["en"], *IDS["ja"]]
QUESTIONS = {"en": "How do bees find flowers in a garden?", "ja": "蜜蜂はどうやって庭の花を見つけますか。"}
STRANGE = ["\0", "\0\n" * 50, "\ud800\udfff 蜂", "𠮷野家。", "\u2028\r\n\f", "e\u0301\u200d", "「" * 300, "『「》》"]


def any_of(name: str, seed: int = 0) -> Constraint:
    return drawn(name, Random(seed), QUESTIONS["ja" if name.startswith("ja:") else "en"])


@pytest.mark.parametrize(("name", "kwargs", "satisfy", "violate"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_a_constraint_tells_replies_apart(name, kwargs, satisfy, violate):
    made = constraint(name, kwargs)
    assert [reply for reply in satisfy if not made.check(reply)] == []
    assert [reply for reply in violate if made.check(reply)] == []


def test_there_are_cases_for_all_ids_of_both_benchmarks():
    assert len(IDS["en"]) == 25
    assert len(IDS["ja"]) == 33
    assert {case[0] for case in CASES} == set(ALL)


def test_less_than_a_number_excludes_it_and_at_least_includes_it():
    """The satisfying replies of one relation are the violating ones of the other, at the number itself."""
    related = {
        (name, json.dumps({k: v for k, v in kwargs.items() if "relation" not in k})): {}
        for name, kwargs, *_ in CASES
        if any("relation" in key for key in kwargs)
    }
    for name, kwargs, satisfy, violate in CASES:
        key = (name, json.dumps({k: v for k, v in kwargs.items() if "relation" not in k}))
        if key in related:
            [relation] = [value for k, value in kwargs.items() if "relation" in k]
            related[key][relation] = (satisfy, violate)
    assert len(related) == 10
    for (name, text), told in related.items():
        [(less, (few, _)), (least, (enough, _))] = sorted(told.items(), key=lambda one: one[0] in {"at least", "以上"})
        given_ = json.loads(text)
        relation = next(field.name for field in dataclasses.fields(any_of(name)) if "relation" in field.name)
        for replies, holds in ((few, less), (enough, least)):
            other = least if holds == less else less
            assert all(constraint(name, {**given_, relation: holds}).check(reply) for reply in replies)
            assert not any(constraint(name, {**given_, relation: other}).check(reply) for reply in replies)


@pytest.mark.parametrize("name", ALL)
def test_parameters_by_chance_are_equal_for_a_seed_and_go_through_json(name):
    for seed in range(4):
        made = any_of(name, seed)
        assert made == any_of(name, seed)
        assert constraint(name, json.loads(json.dumps(made.kwargs))) == made
        assert any_of(name, seed).sentence("en") == made.sentence("en")
        assert "{" not in made.sentence("en") + made.sentence("ja")
        assert made.sentence("en") != made.sentence("ja")


@pytest.mark.parametrize("name", ALL)
def test_a_sentence_says_every_parameter(name):
    made = any_of(name)
    for language in ("en", "ja"):
        said = made.sentence(language)
        assert [word for word in made.words(language).values() if word not in said] == []


@pytest.mark.parametrize("name", ALL)
def test_wrong_parameters_are_refused(name):
    kwargs = any_of(name).kwargs
    with pytest.raises(BadRow, match="expected"):
        constraint(name, {**kwargs, "no_such_parameter": 1})
    for key in kwargs:
        for wrong in ("", 0, -1, True, 1.5, [], ["", "x"], [1], "x" * 200_000, 10**9, {"a": 1}):
            with pytest.raises(BadRow, match=name):
                constraint(name, {**kwargs, key: wrong})
        with pytest.raises(BadRow, match="expected"):
            constraint(name, {one: kwargs[one] for one in kwargs if one != key})


@pytest.mark.parametrize(
    "name", ["", "punctuation", "punctuation:no_commas", "ja:punctuation:no_such", "xx:letters:kanji"]
)
def test_an_id_that_nobody_knows_is_refused(name):
    with pytest.raises(BadRow, match="no constraint"):
        constraint(name, {})


def test_parameters_that_cannot_be_together_are_refused():
    first = {"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "bees"}
    with pytest.raises(BadRow, match="paragraph 3 of 2"):
        constraint("length_constraints:nth_paragraph_first_word", first)
    with pytest.raises(BadRow, match="one character"):
        constraint("keywords:letter_frequency", {"letter": "ab", "let_frequency": 1, "let_relation": "less than"})
    with pytest.raises(BadRow, match="'未満' or '以上'"):
        constraint("ja:letters:kanji", {"kanji_limit": 1, "relation": "less than"})
    with pytest.raises(BadRow, match="expected one of ar"):
        constraint("language:response_language", {"language": "xx"})


@pytest.mark.parametrize("name", ALL)
def test_an_empty_reply_satisfies_nothing_and_a_strange_one_raises_nothing(name):
    made = any_of(name)
    assert not any(made.check(reply) or made.loose(reply) for reply in ("", " ", "\n\n", "\t\u3000"))
    assert {type(found) for reply in STRANGE for found in (made.check(reply), made.loose(reply))} == {bool}


HUGE = [
    *("a" * 1_000_000, "\n" * 1_000_000 + "a", "。" * 1_000_000, "*" * 1_000_000, "<<" * 500_000, "[" * 1_000_000),
    *("!?" * 500_000, ".) " * 300_000, "第1" * 500_000, "「" * 1_000_000, "- \n" * 300_000, "p. " * 300_000),
]


@pytest.mark.parametrize("name", ALL)
def test_a_reply_of_a_megabyte_is_looked_at_once(name):
    """One for each id, in turns: what is quadratic would not come back."""
    if name != "ja:detectable_format:nominal_ending":  # whose analyser has its own speed
        any_of(name).check(HUGE[ALL.index(name) % len(HUGE)])


@pytest.mark.parametrize(
    "name",
    [
        one
        for one in ALL
        if any(word in one for word in ("keywords", "section", "postscript", "end_", "nth_", "unified"))
    ],
)
def test_a_parameter_is_a_text_and_no_pattern(name):
    kwargs = any_of(name).kwargs
    for hostile in ("(a+)+$", "[", "\\", "(?P<x", ".*", "a{1,99999}"):
        given_ = {
            key: hostile if type(value) is str and "relation" not in key and key != "letter" else value
            for key, value in kwargs.items()
        }
        given_ |= {key: [hostile] for key, value in kwargs.items() if type(value) is list}
        made = constraint(name, given_) if given_.get("language") is None else any_of(name)
        made.check("a" * 5_000 + "!")
        assert made.check(f"{hostile}") in {True, False}


def test_a_loose_check_tries_eight_variants():
    reply = "Sure:\n*bees*\nBye."
    assert len(variants(reply)) == 8
    assert variants("bees") == ("bees", "")
    comma = constraint("punctuation:no_comma", {})
    assert comma.loose("Sure, here:\nBees dance.")
    assert comma.loose("Sure, here:\nBees dance.\nWell, bye.")
    assert not comma.loose("Sure:\nBees, say, dance.\nBye.")
    assert not comma.check("Sure, here:\nBees dance.")
    end = constraint("startend:end_checker", {"end_phrase": "Bye."})
    assert end.loose("Well. **Bye.**")
    assert not end.check("Well. **Bye.**")


@given(st.text(max_size=60), st.sampled_from(ALL))
def test_what_is_satisfied_strictly_is_so_loosely(reply, name):
    made = any_of(name)
    assert made.loose(reply) or not made.check(reply)


@given(st.integers(0, 10**6), st.sampled_from(ALL))
def test_a_ceiling_holds_for_the_parts_of_a_reply(seed, name):
    made = any_of(name, seed)
    replies = [reply for case in CASES if case[0].startswith("ja:") == name.startswith("ja:") for reply in case[2]]
    if made.is_ceiling and name != "ja:letters:furigana":
        for reply in Random(seed).sample(replies, 5):
            assert not made.check(reply) or all(not part.strip() or made.check(part) for part in reply.split("\n"))


RECORD = {
    "key": 7,
    "prompt": "Do bees dance?",
    "instruction_id_list": ["punctuation:no_comma", "ja:letters:kanji"],
    "kwargs": [{}, {"kanji_limit": 2, "relation": "未満"}],
}


def test_a_record_is_read_and_written_as_the_benchmarks_keep_it():
    made = record(RECORD)
    assert made.to_json() == RECORD
    filled = [{"kanji_limit": None, "relation": None}, {**RECORD["kwargs"][1], "num_words": None}]
    assert record({**RECORD, "kwargs": filled, "more": 1}) == made
    assert [one.strict for one in verdicts(made.constraints, "蜂, 蜂")] == [False, False]


@pytest.mark.parametrize(
    "change",
    [
        {"kwargs": [{}]},
        {"kwargs": None},
        {"instruction_id_list": [], "kwargs": []},
        {"kwargs": [{}, 1]},
        {"instruction_id_list": [1, 2]},
        {"prompt": 1},
        {"key": []},
        {"instruction_id_list": ["punctuation:no_comma", "ja:letters:none"]},
    ],
)
def test_a_record_that_is_none_is_refused(change):
    with pytest.raises(BadRow):
        record({**RECORD, **change})


def verify(tmp_path, rows, *options):
    file = tmp_path / "replies.jsonl"
    file.write_text("\n".join([row if isinstance(row, str) else json.dumps(row) for row in rows]), encoding="utf-8")
    return CliRunner().invoke(verify_replies, [str(file), *options])


def test_koba_verify_prints_accuracies_by_prompt_instruction_and_id(tmp_path):
    rows = [{**RECORD, "response": "Bees dance."}, {**RECORD, "response": "Sure, so:\n蜂がいる"}]
    told = verify(tmp_path, rows, "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout) == {
        "prompts": {"count": 2, "strict": 0.5, "loose": 1.0},
        "instructions": {"count": 4, "strict": 0.75, "loose": 1.0},
        "by_id": {
            "ja:letters:kanji": {"count": 2, "strict": 1.0, "loose": 1.0},
            "punctuation:no_comma": {"count": 2, "strict": 0.5, "loose": 1.0},
        },
    }
    assert "punctuation:no_comma" in verify(tmp_path, rows).stdout
    assert verify(tmp_path, rows, "--exit-code").exit_code == 1
    assert verify(tmp_path, rows[:1], "--exit-code").exit_code == 0


def test_koba_verify_joins_replies_with_the_prompts_of_another_file(tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(json.dumps(RECORD), encoding="utf-8")
    reply = {"prompt": RECORD["prompt"], "answer": "Yes, they do."}
    options = ("--prompts", str(prompts), "--column", "answer", "--json")
    assert json.loads(verify(tmp_path, [reply], *options).stdout)["instructions"]["strict"] == 0.5
    stranger = verify(tmp_path, [{**reply, "prompt": "Who?"}], *options)
    assert (stranger.exit_code, "line 1: prompt 'Who?' is none of" in stranger.stderr) == (2, True)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{", "line 2: no JSON"),
        ("[" * 100_000, "line 2: no JSON"),
        ("1", "line 2: int; expected an object"),
        ({**RECORD}, "line 2: 'response' is None"),
        ({**RECORD, "response": "x", "kwargs": [{}, {}]}, "line 2: ja:letters:kanji: has no parameters"),
    ],
)
def test_koba_verify_names_the_line_that_it_cannot_read(tmp_path, row, words):
    told = verify(tmp_path, [{**RECORD, "response": "x"}, row])
    assert told.exit_code == 2
    assert words in told.stderr
    assert told.stdout == ""


def test_koba_verify_of_nothing_is_an_error(tmp_path):
    assert verify(tmp_path, []).exit_code == 2
