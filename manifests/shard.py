"""Rows as Arrow tables and Parquet bytes, and back.

A shard holds the row's fields under the field's names, and its hash. Ids and hashes are 16 fixed bytes; scores are
float32 rounded to 4 digits. Plain pyarrow reads a shard; what a mask hides it cannot know.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import accumulate, chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyroaring import BitMap

from manifests import canonical
from manifests.decoding import SCORE_DIGITS, values
from manifests.errors import Damaged
from manifests.rows import ID_BYTES, STORED_KINDS, Origin, Row, row_hash

MAX_SHARD_BYTES = 64 * 2**20  # of payload before compression, so that a file never exceeds it

_ID = pa.binary(ID_BYTES)
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64()), ("length", pa.int64()), ("digest", pa.string())])
_PAYLOADS: dict[str, list[tuple[str, pa.DataType]]] = {
    "document": [("text", pa.string())],
    "conversation": [("messages", _MESSAGES)],
    "preference": [("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)],
    "tokens": [("input_ids", pa.list_(pa.int32()))],
}
_IDENTITY: list[tuple[str, pa.DataType]] = [
    ("url", pa.string()),
    ("date", pa.string()),
    ("language", pa.string()),
    ("language_score", pa.float32()),
    ("token_count", pa.int32()),
    ("source", pa.string()),
    ("licence", pa.string()),
    ("origin", _ORIGIN),
    ("parents", pa.list_(_ID)),
    ("call", pa.binary(32)),
    ("scores", pa.map_(pa.string(), pa.float32())),
    ("labels", pa.map_(pa.string(), pa.string())),
    ("hash", _ID),
]


@cache
def schema(kind: str) -> pa.Schema:
    """Return the Arrow schema of a row kind."""
    return pa.schema([("id", _ID), *_PAYLOADS[kind], *_IDENTITY])


@cache
def schema_fingerprint(kind: str) -> str:
    """Return the digest of a kind's column names and types."""
    return canonical.digest([[field.name, str(field.type)] for field in schema(kind)])


def encode(rows: Sequence[Row]) -> pa.Table:
    """Return rows of one kind as a table, their hashes included. Raises UnicodeEncodeError for a lone surrogate."""
    kind = rows[0].kind
    with _uncollected():
        columns = {name: [getattr(row, name) for row in rows] for name in schema(kind).names if name != "hash"}
        columns["hash"] = [row_hash(row) for row in rows]
        arrays = [_WRITERS.get(field.name, pa.array)(columns[field.name], field.type) for field in schema(kind)]
        return pa.Table.from_arrays(arrays, schema=schema(kind))


def decode(table: pa.Table, kind: str) -> list[Row]:
    """Return the rows of a table that `encode` made."""
    made = STORED_KINDS[kind]
    with _uncollected():
        columns = [_values(table.column(name), empty) for name, empty in _empty(made).items()]
        return [made(*row) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray, empty: Any) -> list[Any]:
    if column.null_count == len(column):
        return [empty] * len(column)
    items = list(chain.from_iterable(map(values, column.chunks)))
    return [item or empty for item in items] if isinstance(empty, tuple | dict) else items


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the garbage collector while many rows are made that all stay: it would search them again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@cache
def _empty(kind: type[Row]) -> dict[str, Any]:
    """Return what each field of a row is where its column holds nothing."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
    return {name: {} if default is msgspec.NODEFAULT else default for name, default in defaults.items()}


def write_parquet(
    table: pa.Table, *, incompressible: Sequence[str] = ("id", "hash", "parents", "call", "signature")
) -> bytes:
    """Return a table as Parquet bytes with page checksums: zstd but for the columns that are hashes."""
    plain = [name for name in table.column_names if name.split(".")[0] not in incompressible]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression={name: "zstd" if name in plain else "none" for name in table.column_names},
        compression_level=dict.fromkeys(plain, 3),
        use_dictionary=[name for name in ("language", "source", "licence", "domain", "reason") if name in plain],
        write_statistics=False,
        write_page_checksum=True,
        row_group_size=16_384,
        store_schema=False,
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def read_parquet(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Return (some columns of) Parquet bytes as a table. Raises Damaged."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        return file.read(columns=columns, use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise Damaged(f"not a readable Parquet file: {error}") from error


def write_mask(mask: BitMap) -> bytes:
    """Return a bitmap of visible rows in its one serialised form."""
    mask = BitMap(mask)
    mask.run_optimize()
    data: bytes = mask.serialize()
    return data


def read_mask(data: bytes) -> pa.Array:
    """Return the positions that a mask lets through, in ascending order. Raises Damaged."""
    try:
        mask = BitMap.deserialize(data)
    except ValueError as error:
        raise Damaged(f"not a roaring bitmap: {error}") from error
    return pa.array(np.asarray(mask.to_array(), dtype=np.int64))


def content_digest(ids: pa.Array | pa.ChunkedArray, hashes: pa.Array | pa.ChunkedArray) -> str:
    """Return the digest over sorted (id, hash): equal where the data are equal, whatever the order or encoding."""
    return digest_pairs(np.concatenate([fixed_bytes(ids), fixed_bytes(hashes)], axis=1))


def digest_pairs(pairs: np.ndarray[Any, Any]) -> str:
    """Return the SHA-256 over the sorted rows of a [rows, 32] byte array of (id, hash)."""
    ordered = np.sort(np.ascontiguousarray(pairs).view("S32").ravel(), kind="stable") if len(pairs) else pairs
    return canonical.sha256(ordered.tobytes())


def fixed_bytes(column: pa.Array | pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Return a fixed-size binary column without nulls as a [rows, width] byte array."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # combine_chunks of no chunks at all
        return np.empty((0, array.type.byte_width), np.uint8)
    width = array.type.byte_width
    start = array.offset * width
    return np.frombuffer(array.buffers()[1], np.uint8)[start : start + len(array) * width].reshape(-1, width)


def lengths(table: pa.Table) -> pa.Array:
    """Return the characters of text in each row, of a conversation those of all turns; null where there is no text."""
    if "text" in table.column_names:
        return pc.utf8_length(table["text"]).combine_chunks()
    if "messages" not in table.column_names:
        return pa.nulls(len(table), pa.int32())
    messages = table["messages"].combine_chunks()
    written = pc.utf8_length(pc.struct_field(pc.list_flatten(messages), "content")).fill_null(0)
    sums = np.bincount(pc.list_parent_indices(messages), weights=written, minlength=len(table))
    return pa.array(sums.astype(np.int32))


def count_chars(table: pa.Table) -> int:
    """Return the characters of text in a table; 0 for kinds without a text."""
    return pc.sum(lengths(table)).as_py() or 0


def count_tokens(table: pa.Table) -> int:
    """Return the tokens in a table, as far as they were counted."""
    if "input_ids" in table.column_names:
        return pc.sum(pc.list_value_length(table["input_ids"])).as_py() or 0
    return pc.sum(table["token_count"]).as_py() or 0


def _origins(column: list[Any], kind: pa.DataType) -> pa.Array:
    given = [origin or _NOWHERE for origin in column]
    fields = [pa.array([getattr(origin, field.name) for origin in given], field.type) for field in kind]
    absent = pa.array([origin is None for origin in column], pa.bool_())
    return pa.StructArray.from_arrays(fields, fields=list(kind), mask=absent)


def _parents(column: list[Any], kind: pa.DataType) -> pa.Array:
    return pa.array([parents or None for parents in column], kind)


def _scores(column: list[Any], kind: pa.DataType) -> pa.Array:
    rounded = [{name: round(float(value), SCORE_DIGITS) for name, value in scores.items()} for scores in column]
    return _maps(rounded, kind)


def _maps(column: list[Any], kind: pa.DataType) -> pa.Array:
    """Write mappings in the order of their names; an empty one is nothing."""
    pairs = [pair for each in column if each for pair in sorted(each.items())]
    if not pairs:
        return pa.nulls(len(column), kind)
    names, items = zip(*pairs, strict=True)
    return pa.MapArray.from_arrays(_offsets(column), pa.array(names, kind.key_type), pa.array(items, kind.item_type))


def _turns(column: list[Any], kind: pa.DataType) -> pa.Array:
    turns = [turn for messages in column for turn in messages]
    parts = [pa.array([getattr(turn, field.name) for turn in turns], field.type) for field in kind.value_type]
    return pa.ListArray.from_arrays(_offsets(column), pa.StructArray.from_arrays(parts, fields=list(kind.value_type)))


def _offsets(column: list[Any]) -> pa.Array:
    """Return where each row's items begin among those of all; none where it has none."""
    ends = [0, *accumulate(map(len, column))]
    begins = [start if items else None for start, items in zip(ends, column, strict=False)]
    return pa.array([*begins, ends[-1]], pa.int32())


_NOWHERE = Origin("", 0, 0, "")  # in the place of an origin that is not there
_WRITERS: dict[str, Callable[[list[Any], pa.DataType], pa.Array]] = {
    "origin": _origins,
    "parents": _parents,
    "scores": _scores,
    "labels": _maps,
    "messages": _turns,
    "prompt": _turns,
    "chosen": _turns,
    "rejected": _turns,
}
