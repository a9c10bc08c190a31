import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Conversation, Document, Message, Page, Preference, Tokens, derived_id, row_hash, row_id

DOC = Document(id=row_id("document", "web", "urn:uuid:1"), text="工場", url="https://a.example/", language="ja")


def test_ids_and_hashes_are_equal_in_every_process():
    code = (
        "from manifests.rows import *;"
        "d = Document(id=row_id('document', 'web', 'urn:uuid:1'), text='工場', url='https://a.example/',"
        "             language='ja');"
        "print(d.hex, row_hash(d).hex())"
    )
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert done.stdout.split() == [DOC.hex, row_hash(DOC).hex()]


def test_ids_and_hashes_are_what_they_were_on_the_day_they_were_fixed():
    assert DOC.hex == "97efc5c7caf4a29146c9a7cfa9ad35dc"
    assert row_hash(DOC).hex() == "3643e285877c93dbcf05dd57a3cea57e"


TURNS = st.lists(st.builds(Message, st.text(), st.text()), max_size=3).map(tuple)


def slow(turns):
    return [{"role": turn.role, "content": turn.content} for turn in turns]


@given(TURNS, TURNS, TURNS)
def test_the_payload_of_turns_is_their_canonical_form(prompt, chosen, rejected):
    assert Conversation(messages=prompt).payload() == canonical.encode(slow(prompt))
    pair = Preference(prompt=prompt, chosen=chosen, rejected=rejected)
    assert pair.payload() == canonical.encode([slow(prompt), slow(chosen), slow(rejected)])


def test_a_lone_surrogate_has_no_payload_in_turns():
    with pytest.raises(BadRecipe, match="lone surrogate"):
        Conversation(messages=(Message("user", "\ud800"),)).payload()


@given(st.text(), st.none() | st.text(), st.none() | st.text(), st.lists(st.binary(min_size=16, max_size=16)))
def test_a_hash_is_that_of_its_parts(text, language, url, parents):
    row = Document(text=text, language=language, url=url, parents=tuple(parents))
    pieces = [(part or "").encode() for part in (text, language, url, None)]
    assert row_hash(row) == canonical.digest_parts(*pieces, b"".join(parents))[:16]


@pytest.mark.parametrize(
    "change", [{"text": "x"}, {"language": "en"}, {"url": None}, {"licence": "MIT"}, {"parents": (b"1" * 16,)}]
)
def test_what_a_row_says_is_in_its_hash(change):
    assert row_hash(DOC.replace(**change)) != row_hash(DOC)
    assert DOC.replace(**change).id == DOC.id


@pytest.mark.parametrize(
    "change", [{"scores": {"edu": 1.0}}, {"labels": {"a": "b"}}, {"language_score": 0.5}, {"token_count": 3}]
)
def test_what_others_say_of_a_row_is_not_in_its_hash(change):
    assert row_hash(DOC.replace(**change)) == row_hash(DOC)


def test_a_derived_row_names_its_parent_and_has_an_id_of_its_own():
    first, second = DOC.derive(text="factory"), DOC.derive(text="factory", candidate=1)
    assert first.parents == (DOC.id,)
    assert len({DOC.id, first.id, second.id, DOC.derive(part=1).id}) == 4
    assert first.id == derived_id((DOC.id,), "", 0, 0)


def test_the_kinds_tell_their_payloads_apart():
    turn = (Message("user", "hi"),)
    preference = Preference(prompt=turn, chosen=turn, rejected=())
    other = Preference(prompt=turn, chosen=(), rejected=turn)
    assert row_hash(preference) != row_hash(other)
    assert Conversation(messages=turn).payload() == b'[{"content":"hi","role":"user"}]'
    assert Tokens(input_ids=(1, 256)).payload() == b"\x01\0\0\0\x00\x01\0\0"
    assert Page(content=b"<p>").payload() == b"<p>"
