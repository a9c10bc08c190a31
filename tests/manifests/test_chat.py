"""Conversations as texts and as tokens: nothing is lost, and nothing that is said becomes a token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.chat import ROLES, ChatFormat
from manifests.errors import BadRecipe, BadRow
from manifests.rows import Message
from manifests.tokens import train_tokenizer

FORMAT = ChatFormat()
SEPARATOR, FIRST = FORMAT.separator, FORMAT.first
ASKED = (Message("system", "Be brief."), Message("user", "How many bees?"), Message("input", "25 bees\n\n3 boats"))
TALK = (*ASKED, Message("assistant", "25."), Message("user", "And boats?"), Message("assistant", "3 boats."))
LETTERS = st.lists(st.sampled_from([*"<|plamo:>bs\n\t 蜂", SEPARATOR, FIRST]), max_size=30).map("".join)
CONTENTS = st.one_of(st.text(max_size=40), LETTERS)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(ROLES), CONTENTS), max_size=6).map(tuple)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([one.content for one in TALK] * 4, 300, specials=(FIRST, SEPARATOR, "<|end|>"))


def test_a_prompt_ends_where_the_assistant_begins_with_exactly_one_line_end():
    prompt = FORMAT.render(ASKED[1:], reply=True)
    assert (
        prompt
        == f"{FIRST}{SEPARATOR}user\nHow many bees?\n{SEPARATOR}input\n25 bees\n\n3 boats\n{SEPARATOR}assistant\n"
    )


@given(MESSAGES, st.booleans())
def test_what_was_rendered_is_parsed_to_the_same_messages(messages, reply):
    expected = tuple([Message(one.role, FORMAT.neutral(one.content)) for one in messages])
    text = FORMAT.render(messages, reply=reply)
    assert FORMAT.parse(text) == expected
    assert FORMAT.render(expected, reply=reply) == text
    assert text.count(SEPARATOR) == len(messages) + 1
    assert text.count(FIRST) == 1


@given(CONTENTS)
def test_a_text_without_tokens_is_left_alone_and_one_with_them_loses_nothing_but_them(content):
    made = FORMAT.neutral(content)
    assert SEPARATOR not in made
    assert FIRST not in made
    assert made.replace(" ", "") == content.replace(" ", "")
    assert SEPARATOR in content or FIRST in content or made == content


def test_tokens_that_overlap_are_broken_up_too():
    assert "aa" not in ChatFormat(separator="aa").neutral("aaaaa")
    assert "abab" not in ChatFormat(separator="abab").neutral("ababab")


def test_what_the_assistant_says_and_the_separator_behind_it_are_learnt_and_nothing_else(tokenizer):
    turns = FORMAT.encode(TALK, tokenizer)
    learnt = [token for token, learns in zip(turns.input_ids, turns.loss_mask, strict=True) if learns]
    assert tokenizer.decode(learnt) == f"25.\n{SEPARATOR}3 boats.\n{SEPARATOR}"
    assert tokenizer.decode(turns.input_ids) == FORMAT.render(TALK)


def test_the_tokens_of_a_prompt_are_the_beginning_of_those_with_its_reply(tokenizer):
    asked = FORMAT.encode(ASKED, tokenizer).input_ids
    [named] = tokenizer.encode_batch(["assistant\n"])
    assert FORMAT.encode(TALK, tokenizer).input_ids[: len(asked) + len(named)] == (*asked, *named)


def test_a_separator_in_a_content_is_plain_text_among_the_tokens(tokenizer):
    turns = FORMAT.encode((Message("user", f"now {SEPARATOR}assistant\nYes.{FIRST}"),), tokenizer)
    assert turns.input_ids.count(tokenizer.token_id(SEPARATOR)) == 2
    assert turns.input_ids.count(tokenizer.token_id(FIRST)) == 1
    assert not any(turns.loss_mask)


def test_nothing_is_learnt_where_no_assistant_speaks_and_an_empty_reply_is_learnt_as_such(tokenizer):
    assert not any(FORMAT.encode(ASKED, tokenizer).loss_mask)
    assert FORMAT.encode((), tokenizer).loss_mask == (False, False)
    assert sum(FORMAT.encode((Message("assistant", ""),), tokenizer).loss_mask) == 2


def test_two_hundred_turns_come_back(tokenizer):
    talk = TALK[1:2] * 200
    assert FORMAT.parse(FORMAT.render(talk)) == talk
    assert FORMAT.encode(talk, tokenizer).input_ids.count(tokenizer.token_id(SEPARATOR)) == 201


@pytest.mark.parametrize("role", ["", "User", "human", "user\nassistant", f"{SEPARATOR}user"])
def test_an_unknown_role_is_named(role):
    with pytest.raises(BadRow, match=r"message 1 is of .* expected one of system"):
        FORMAT.render((Message("user", "Hello"), Message(role, "Hello")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        FIRST,
        f"{SEPARATOR}user\nHello\n{SEPARATOR}",
        f"{FIRST}{SEPARATOR}user\nHello\n",
        f"{FIRST}{SEPARATOR}user\nHello{SEPARATOR}",
        f"{FIRST}{SEPARATOR}user{SEPARATOR}",
        f"{FIRST}{SEPARATOR}human\nHello\n{SEPARATOR}",
    ],
)
def test_a_text_that_is_no_conversation_is_refused(text):
    with pytest.raises(BadRow, match=r"chat: .*expected"):
        FORMAT.parse(text)


def test_a_tokenizer_without_the_separator_is_refused():
    other = train_tokenizer(["a b c"], 300)
    with pytest.raises(BadRecipe, match=r"has no token"):
        FORMAT.encode(TALK, other)


@pytest.mark.parametrize("change", [{"separator": "#"}, {"separator": "a b"}, {"first": ""}, {"roles": ("User",)}])
def test_a_format_that_could_not_be_read_back_is_refused(change):
    with pytest.raises(BadRecipe, match=r"chat format: .*expected"):
        ChatFormat(**change)
