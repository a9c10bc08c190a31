import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.canonical import sha256
from manifests.datafile import json_object
from manifests.datafiles import DataFiles
from manifests.json_array import begins_array, elements
from manifests.rows import Conversation, Document
from manifests.stage import Rejected
from manifests.store import Store

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
CHATS = [
    {"id": "a", "conversations": [{"from": "human", "value": 'say "[{\\" please, 水'}, {"from": "gpt", "value": "[{"}]},
    {"id": "b", "conversations": [{"from": "human", "value": "two\n\\"}]},
    {"id": "c", "conversations": [{"from": "human", "value": "three"}]},
]


class Pieces(io.RawIOBase):
    """Bytes that come a few at a time."""

    def __init__(self, data, size):
        self.data, self.size, self.at = data, size, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.data[self.at : self.at + min(len(buffer), self.size)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def taken(data, size=2**16, max_bytes=2**20):
    """Return what `elements` yields, and whether the array had an end."""
    found = []
    try:
        for offset, element in elements(io.BufferedReader(Pieces(data, size)), max_bytes):
            found.append((offset, element))
    except EOFError:
        return found, False
    return found, True


def rows(path, kind=None):
    return [
        row
        for unit in DataFiles.find([str(path)], source="s", kind=kind).units(Store("memory://x"))
        for row in unit.rows()
    ]


@settings(max_examples=50)
@given(st.lists(VALUES), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_every_element_is_found_at_its_offset_however_the_bytes_come(values, size, indent, escaped):
    data = json.dumps(values, indent=indent, ensure_ascii=escaped).encode()
    found, ended = taken(data, size)
    assert ended
    assert [json.loads(element) for _, element in found] == values
    assert all(data[offset : offset + len(element)] == element for offset, element in found)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_that_is_cut_off_anywhere_keeps_what_is_whole_and_refuses_the_rest_once(tmp_path, indent):
    data = json.dumps(CHATS, indent=indent, ensure_ascii=False).encode()
    ends = [offset + len(element) for offset, element in taken(data)[0]]
    for cut in range(1, len(data)):
        (tmp_path / "a.json").write_bytes(data[:cut])
        *kept, last = rows(tmp_path / "a.json", "conversation")
        assert [row.messages[0].content for row in kept] == [
            chat["conversations"][0]["value"] for chat, end in zip(CHATS, ends, strict=True) if end <= cut
        ]
        assert (type(last), last.reason) == (Rejected, "import/cut_off")


def test_an_array_is_read_as_its_lines_would_be(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(CHATS))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in CHATS))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(CHATS, indent=1).encode()))
    plain, lines, packed = [
        [row.replace(origin=None) for row in rows(tmp_path / f"a.{end}")] for end in ("json", "jsonl", "json.gz")
    ]
    assert plain == lines == packed
    assert isinstance(plain[0], Conversation)


def test_the_origin_of_an_element_is_its_bytes(tmp_path):
    data = json.dumps(CHATS, indent=1).encode()
    (tmp_path / "a.json").write_bytes(data)
    place = rows(tmp_path / "a.json")[1].origin
    assert json.loads(data[place.offset : place.offset + place.length]) == CHATS[1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[{"text": "a"}, 1, "b", null, [2], {"text": "c"}]', ["a", *["import/bad_json"] * 4, "c"]),
        ('[{"text": "a"},, {"text": "c"},]', ["a", "c"]),
        ('[{"text": "a"} {"text": "c"}]', ["a", "c"]),
        ('[{"text": "a",}, {"text": "c"}]', ["import/bad_json", "c"]),
        ('[{"text": "a"}]\n{"text": "c"}\n[{"text": "d"}]', ["a", "c", "d"]),
        ('[1]\n{"text": "c"}\n', ["import/bad_json", "c"]),
        ('\ufeff \n[{"text": "a"}]', ["a"]),
        ('[{"text": "a"}', ["a", "import/cut_off"]),
        ('[{"text": "a"}, {"text": "c', ["a", "import/cut_off"]),
        ('[{"text": "a"}, {"text": "c\\', ["a", "import/cut_off"]),
        ("[]", []),
        ("[", ["import/cut_off"]),
        ("[]]] }", ["import/bad_json"]),
        ("[" * 100_000, ["import/cut_off"]),
        ("[" + "[" * 100_000 + "]" * 100_001, ["import/bad_json"]),
        ('[{"text": "\\ud800"}]', ["\ud800"]),
        ('[{"text": "a", "n": NaN}]', ["a"]),
    ],
)
def test_what_is_no_good_json_costs_its_own_element(tmp_path, text, found):
    (tmp_path / "a.json").write_text(text)
    assert [getattr(row, "reason", None) or row.text for row in rows(tmp_path / "a.json", "document")] == found


@given(st.binary(max_size=60).map(lambda data: b"[" + data), st.integers(1, 9))
def test_any_bytes_are_read_to_their_end(data, size):
    found, _ = taken(data, size, max_bytes=20)
    assert all(element is None or data[offset : offset + len(element)] == element for offset, element in found)


def test_an_element_that_is_too_long_is_passed_over():
    data = b'[{"a": "' + b"x" * 1000 + b'"}, {"b": 1}]'
    assert taken(data, 10, max_bytes=100) == ([(1, None), (1012, b'{"b": 1}')], True)


def test_a_turn_of_50_mb_is_read_in_one_piece(tmp_path):
    path = tmp_path / "a.json"
    turns = [{"role": "user", "content": "water[{ " * 6_250_000}]
    path.write_text(json.dumps([{"messages": turns}, {"messages": [{"role": "user", "content": "short"}]}]))
    long, short = rows(path)
    assert (len(long.messages[0].content), short.messages[0].content) == (50_000_000, "short")


def test_the_beginning_tells_an_array_from_lines():
    assert begins_array(b' \r\n\t[{"a"')
    assert begins_array(b"\xef\xbb\xbf[")
    assert not begins_array(b'{"a": [1]}')
    assert not begins_array(b"")


@given(VALUES | st.floats())
def test_a_line_is_what_json_makes_of_it(value):
    line = json.dumps({"a": value}).encode()
    assert repr(json_object(line)) == repr(json.loads(line))


def test_an_array_that_is_packed_and_damaged_keeps_what_comes_before(tmp_path):
    texts = [f"text {n} {sha256(b'%d' % n)}" for n in range(20_000)]
    data = gzip.compress(json.dumps([{"text": text} for text in texts]).encode())
    Path(tmp_path / "a.json.gz").write_bytes(data[: len(data) * 9 // 10])
    *kept, last = rows(tmp_path / "a.json.gz")
    assert [row.text for row in kept] == texts[: len(kept)]
    assert len(kept) > 1000
    assert isinstance(kept[0], Document)
    assert last.reason == "import/cut_off"
