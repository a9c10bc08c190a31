"""Columns of shards and side tables as what the rules compute with."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.errors import BadRecipe


def texts(table: pa.Table, asked_by: str) -> pa.Array:
    """Return the text of each document, missing ones as empty. Raises BadRecipe where rows are no documents."""
    if "text" not in table.column_names:
        raise BadRecipe(
            f"{asked_by}: rows have no text, only {', '.join(table.column_names)}; expected documents; "
            "derive one document from each row first"
        )
    return table.column("text").cast(pa.large_string()).combine_chunks().fill_null("")


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
