"""Columns of shards and side tables as what the rules compute with."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.errors import BadRecipe

COMPARED = ("id", "text", "messages")  # of a shard: what `texts` reads, and whose text it is
_TURNS = ("messages", "prompt", "chosen", "rejected")
TURN = "\ue000"  # between two turns: a letter of no language, so that no gram of theirs runs across unseen


def texts(table: pa.Table, asked_by: str) -> pa.Array:
    """Return the text of each row that is compared, missing ones as empty.

    Of a document that is its text; of a conversation the user's turns, with TURN between them (PLaMo 2, section 3.2.2).
    Raises BadRecipe for rows of other kinds.
    """
    if "text" in table.column_names:
        return table.column("text").cast(pa.large_string()).combine_chunks().fill_null("")
    if "messages" in table.column_names:
        return _user_turns(table.column("messages").combine_chunks())
    raise BadRecipe(
        f"{asked_by}: rows have no text, only {', '.join(table.column_names)}; expected documents or conversations; "
        "derive one document from each row first"
    )


def written(table: pa.Table, asked_by: str) -> pa.Array:
    """Return all that is written in each row, of whatever kind: the text, or every turn, with TURN between them.

    Raises BadRecipe for rows without any text.
    """
    if "text" in table.column_names:
        return texts(table, asked_by)
    columns = [table.column(name).to_pylist() for name in _TURNS if name in table.column_names]
    if not columns:
        return texts(table, asked_by)
    rows = [[turn["content"] or "" for turns in row for turn in turns or ()] for row in zip(*columns, strict=True)]
    return pa.array([TURN.join(row) for row in rows], pa.large_string())


def _user_turns(messages: pa.ListArray) -> pa.Array:
    turns = pc.list_flatten(messages)
    asked = pc.fill_null(pc.equal(pc.struct_field(turns, "role"), "user"), False)
    contents = pc.struct_field(turns, "content").cast(pa.large_string()).filter(asked).fill_null("")
    of = pc.list_parent_indices(messages).filter(asked).to_numpy(zero_copy_only=False)
    ends = np.cumsum(np.bincount(of.astype(np.int64), minlength=len(messages)), dtype=np.int64)
    lists = pa.LargeListArray.from_arrays(pa.array(np.concatenate([np.zeros(1, np.int64), ends])), contents)
    return pc.binary_join(lists, pa.scalar(TURN, pa.large_string())).fill_null("")


def matrix(column: pa.ChunkedArray, dtype: str) -> NDArray[Any]:
    """Return a column of fixed-size binaries as a matrix, one row each."""
    size = column.type.byte_width
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint8, len(chunk) * size, chunk.offset * size) for chunk in column.chunks
    ]
    data: NDArray[Any] = np.concatenate([np.zeros(0, np.uint8), *chunks])
    return data.view(dtype).reshape(len(column), size // np.dtype(dtype).itemsize)


def binaries(values: NDArray[Any]) -> pa.Array:
    """Return the rows of a matrix as fixed-size binaries."""
    data = np.ascontiguousarray(values)
    kind = pa.binary(data.shape[1] * data.itemsize)
    return pa.Array.from_buffers(kind, len(data), [None, pa.py_buffer(data)])
