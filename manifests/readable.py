"""Rows as other programs like to read them: ids in hex, scores and labels as columns of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from manifests import shard
from manifests.errors import BadSource
from manifests.plain import plain
from manifests.rows import STORED_KINDS, Row

MAX_NAMES = 1_000  # of scores or labels: each is a column
_MAPS = {"scores": pa.float32(), "labels": pa.string()}
_HEX = ("id", "hash", "call")


@dataclass(frozen=True, slots=True)
class Form:
    """The columns of an export: those of the kind, with a field for each score and label that some row has."""

    kind: str
    names: dict[str, tuple[str, ...]]  # of scores and of labels, sorted
    bare: bool = False  # of JSON Lines: id and turns alone, for programs that take a column `labels` for their own

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of `table`."""
        fields = []
        for field in shard.schema(self.kind):
            if field.name in _MAPS:
                if self.names[field.name]:
                    struct = pa.struct([(name, _MAPS[field.name]) for name in self.names[field.name]])
                    fields.append(pa.field(field.name, struct))
            elif field.name in _HEX:
                fields.append(pa.field(field.name, pa.string()))
            else:
                fields.append(pa.field(field.name, pa.list_(pa.string())) if field.name == "parents" else field)
        return pa.schema(fields)

    def table(self, rows: pa.Table) -> pa.Table:
        """Return the rows of a shard in readable types."""
        columns = [self._column(field, rows[field.name]) for field in self.schema]
        return pa.table(columns, schema=self.schema)

    def lines(self, rows: pa.Table) -> bytes:
        """Return the rows of a shard as JSON Lines."""
        order = [name for name in shard.schema(self.kind).names if name != "hash"]
        if self.bare:
            order = [name for name in order if name == "id" or name not in Row.__struct_fields__]
        made = []
        for row, found in zip(shard.decode(rows, self.kind), rows["hash"].to_pylist(), strict=True):
            record = {name: plain(getattr(row, name)) for name in order} | ({} if self.bare else {"hash": found.hex()})
            made.append(msgspec.json.encode(record))
        return b"\n".join([*made, b""])

    def _column(self, field: pa.Field, column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        if field.name in _MAPS:
            maps = column.combine_chunks()
            values = [pc.map_lookup(maps, pa.scalar(name), "first") for name in self.names[field.name]]
            return pa.StructArray.from_arrays(values, fields=list(field.type))
        if field.name in _HEX or field.name == "parents":
            return pa.array(plain(column.to_pylist()), field.type)
        return column


def names_in(rows: pa.Table) -> dict[str, list[str]]:
    """Return the names of all scores and labels in a table that has these two columns."""
    return {
        column: sorted({name for chunk in rows[column].chunks for name in chunk.keys.unique().to_pylist()})
        for column in _MAPS
    }


def form_of(kind: str, found: Sequence[dict[str, list[str]]]) -> Form:
    """Return the form that fits all tables in which these names were found. Raises BadSource."""
    names = {column: tuple(sorted({name for one in found for name in one[column]})) for column in _MAPS}
    for column, used in names.items():
        if len(used) > MAX_NAMES:
            raise BadSource(
                f"the rows have {len(used):,} different {column}, too many to be columns (at most {MAX_NAMES:,}); "
                "export them as JSON Lines: --format jsonl"
            )
    if kind not in STORED_KINDS:
        raise BadSource(f"it holds no rows but a {kind}; only rows can be exported")
    return Form(kind, names)
