import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from manifests import shard
from manifests.errors import Damaged
from manifests.rows import Conversation, Document, Message, Origin, Preference, Tokens, row_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.binary(min_size=16, max_size=16)
SCORES = st.dictionaries(TEXT, st.floats(-1e3, 1e3).map(lambda value: round(value, 4)), max_size=3)
TURNS = st.lists(st.builds(Message, TEXT, TEXT), max_size=3).map(tuple)
TOKENS = st.lists(st.integers(0, 2**31 - 1)).map(tuple)
COMMON = {
    "id": IDS,
    "source": TEXT,
    "url": st.none() | TEXT,
    "date": st.none() | TEXT,
    "language": st.none() | st.sampled_from(["ja", "en"]),
    "language_score": st.none() | st.sampled_from([0.0, 0.65, 0.9999]),
    "token_count": st.none() | st.integers(0, 2**31 - 1),
    "licence": st.none() | st.just("CC-BY-4.0"),
    "origin": st.none() | st.builds(Origin, TEXT, st.integers(0, 2**62), st.integers(0, 2**62), TEXT),
    "parents": st.lists(IDS, max_size=3).map(tuple),
    "call": st.none() | st.binary(min_size=32, max_size=32),
    "scores": SCORES,
    "labels": st.dictionaries(TEXT, TEXT, max_size=3),
}
ROWS = st.one_of(
    st.lists(st.builds(Document, text=TEXT, **COMMON), min_size=1, max_size=5),
    st.lists(st.builds(Conversation, messages=TURNS, **COMMON), min_size=1, max_size=3),
    st.lists(st.builds(Preference, prompt=TURNS, chosen=TURNS, rejected=TURNS, **COMMON), min_size=1, max_size=3),
    st.lists(
        st.builds(Tokens, input_ids=st.lists(st.integers(0, 2**31 - 1)).map(tuple), **COMMON), min_size=1, max_size=3
    ),
)


def rounded(row):
    """A row as float32 scores hold it."""
    return row.replace(scores={name: round(float(np.float32(value)), 4) for name, value in row.scores.items()})


@given(ROWS)
def test_rows_come_back_from_parquet_as_they_went_in(rows):
    table = shard.read_parquet(shard.write_parquet(shard.encode(rows)))
    assert shard.decode(table, rows[0].kind) == [rounded(row) for row in rows]
    assert table["hash"].to_pylist() == [row_hash(row) for row in rows]


def test_the_same_rows_are_always_the_same_bytes():
    rows = [Document(id=bytes(16), text="a", labels={"b": "1", "a": "2"}), Document(id=bytes(16), text="ü" * 1000)]
    again = [rows[0].replace(labels={"a": "2", "b": "1"}), rows[1]]
    assert shard.write_parquet(shard.encode(rows)) == shard.write_parquet(shard.encode(again))


def test_plain_pyarrow_reads_a_shard_under_the_names_of_the_field(tmp_path):
    path = tmp_path / "one.parquet"
    path.write_bytes(shard.write_parquet(shard.encode([Document(id=bytes(16), text="a", url="u", language="en")])))
    names = pq.read_table(path).column_names
    assert names[:4] == ["id", "text", "url", "date"]
    assert {"language", "language_score", "token_count"} <= set(names)


def test_a_flipped_bit_in_a_page_is_found_by_its_checksum():
    data = bytearray(shard.write_parquet(shard.encode([Document(id=bytes(16), text="hello " * 1000)])))
    data[len(data) // 4] ^= 1
    with pytest.raises(Damaged):
        shard.read_parquet(bytes(data))


@given(st.sets(st.integers(0, 5000)))
def test_a_mask_has_one_form_and_comes_back(visible):
    data = shard.write_mask(BitMap(sorted(visible)))
    assert data == shard.write_mask(BitMap(sorted(visible, reverse=True)))
    assert shard.read_mask(data).to_pylist() == sorted(visible)


def test_a_mask_that_is_none_is_damaged():
    with pytest.raises(Damaged):
        shard.read_mask(b"not a bitmap")


@given(st.permutations(range(6)))
def test_the_content_digest_does_not_know_the_order_of_rows(order):
    rows = [Document(id=bytes([n]) * 16, text=str(n)) for n in range(6)]
    table, mixed = shard.encode(rows), shard.encode([rows[n] for n in order])
    assert shard.content_digest(table["id"], table["hash"]) == shard.content_digest(mixed["id"], mixed["hash"])


def test_fixed_bytes_are_right_in_slices_chunks_and_nothing():
    column = pa.array([bytes([n]) * 16 for n in range(5)], pa.binary(16))
    assert shard.fixed_bytes(column.slice(3)).tolist() == [[3] * 16, [4] * 16]
    assert shard.fixed_bytes(pa.chunked_array([column.slice(1, 1), column.slice(4)]))[:, 0].tolist() == [1, 4]
    assert shard.fixed_bytes(pa.chunked_array([], pa.binary(16))).shape == (0, 16)
