import gc
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from manifests import shard
from manifests.decoding import plain, values
from manifests.rows import Document, Message, Origin, row_id

TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
COLUMNS = {
    "binary": (pa.binary(4), [b"\0\0\0\0", None, b"abc\0", b"\xff" * 4]),
    "ids": (pa.list_(pa.binary(4)), [[b"abcd"], None, [], [b"abc\0", b"efgh"]]),
    "scores": (pa.map_(pa.string(), pa.float32()), [[("a", 0.1), ("b", 1e6)], None, [], [("c", -0.3333)]]),
    "labels": (pa.map_(pa.string(), pa.string()), [[("a", "x")], None, [("", "")], []]),
    "turns": (pa.list_(TURN), [[{"role": "user", "content": "é"}], None, [], [{"role": "a", "content": ""}] * 2]),
    "tokens": (pa.list_(pa.int32()), [[1, 2], [], None, [2**31 - 1]]),
    "numbers": (pa.int32(), [1, None, -1, 0]),
    "shares": (pa.float32(), [0.1, None, 0.3333, 1.0]),
    "text": (pa.string(), ["", None, "日本", "x" * 100]),
}


def made(value):
    """What the slow way gives, as the fields of rows hold it."""
    if isinstance(value, dict):
        return Message(**value)
    if isinstance(value, list):
        pairs = bool(value) and isinstance(value[0], tuple)
        return {name: made(item) for name, item in value} if pairs else tuple(made(item) for item in value)
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize(("start", "length"), [(0, 4), (1, 3), (2, 2), (3, 1), (1, 0)])
def test_values_are_those_of_the_slow_way_in_any_slice(name, start, length):
    kind, items = COLUMNS[name]
    column = pa.array(items * 3, kind).slice(4 + start, length)
    found = values(column)
    if pa.types.is_map(kind):
        found = [() if item == {} else item for item in found]
    assert found == [made(item) for item in column.to_pylist()]


OTHERS = {
    "flags": (pa.bool_(), [True, None, False, None]),
    "large": (pa.large_string(), ["", None, "日本", "x"]),
    "numbers": (pa.int64(), [2**62, 0, -1, 2**53 + 1]),
    "shares": (pa.float64(), [0.1, 1e300, -0.0, 3.0]),
    "nothing": (pa.null(), [None] * 4),
    "times": (pa.timestamp("us", "UTC"), [datetime(2023, 4, 9, tzinfo=UTC), None, None, datetime(1, 1, 1, tzinfo=UTC)]),
    "odd": (pa.struct([]), [{}, None, {}, {}]),
    "lists": (pa.large_list(TURN), [[None], [], None, [{"role": None, "content": "a"}]]),
}


@pytest.mark.parametrize("name", [*COLUMNS, *OTHERS])
@pytest.mark.parametrize(("start", "length"), [(0, 4), (1, 3), (2, 2), (3, 1), (1, 0)])
def test_plain_values_are_those_of_the_slow_way_in_any_slice(name, start, length):
    kind, items = {**COLUMNS, **OTHERS}[name]
    column = pa.array(items * 3, kind).slice(4 + start, length)
    slow = column.to_pylist(maps_as_pydicts="lossy")
    assert plain(column) == slow
    assert [type(item) for item in plain(column)] == [type(item) for item in slow]


def test_times_that_python_cannot_hold_are_texts():
    nanoseconds = pa.array([{"at": 1}], pa.struct([("at", pa.timestamp("ns"))]))
    assert plain(nanoseconds) == [{"at": "1970-01-01 00:00:00.000000001"}]
    far = pa.array([2**62], pa.timestamp("s"))
    assert isinstance(plain(far)[0], str)


def test_a_struct_comes_back_as_the_row_s_own_type_or_as_none():
    kind = shard.schema("document").field("origin").type
    origin = Origin("crawl/file", 3, 4, "sha256:00")
    column = pa.array([None, {"file": "crawl/file", "offset": 3, "length": 4, "digest": "sha256:00"}], kind)
    assert values(column) == [None, origin]


def test_reading_rows_leaves_the_garbage_collector_as_it_was():
    table = shard.encode([Document(id=row_id("document", "t", "a"), text="a")])
    assert gc.isenabled()
    shard.decode(table, "document")
    assert gc.isenabled()
    gc.disable()
    try:
        shard.decode(table, "document")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_rows_are_read_from_a_table_of_several_chunks():
    rows = [Document(id=row_id("document", "t", str(n)), text=str(n), scores={"q": n / 10}) for n in range(5)]
    tables = [shard.encode(rows[:2]), shard.encode(rows[2:])]
    assert shard.decode(pa.concat_tables(tables), "document") == rows
