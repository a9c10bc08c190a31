"""Mathematics datasets as a source of documents: files, globs, folders and URLs; see corpus.problem_records.

    ProblemFiles.find(["downloads/gsm8k", "mgsm_ja.tsv"])

JSON Lines, JSON arrays and Parquet as everywhere, and tables of two columns without a heading (MGSM's problem, answer).

problems/bad_line       a line of a table that is not two columns of UTF-8
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

import fsspec

from corpus.problem_records import FORMS, ProblemReading, form_of
from manifests.datafile import DataFile, lines, unpacked
from manifests.datafiles import DataFiles
from manifests.errors import BadSource
from manifests.foreign import Reading
from manifests.remote import UNREACHABLE, open_location
from manifests.rows import Origin, Row
from manifests.stage import Rejected
from manifests.store import Store
from manifests.terminal import safe

SOURCE = "problems"  # of what cannot be read; a problem's source is its dataset
TABLE = ".tsv"


@dataclass(frozen=True)
class ProblemTable(DataFile):
    """A table of problems and their answers."""

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield its problems; the origin of each is its line."""
        with open_location(self.location) as stream:
            for offset, line in lines(unpacked(stream, self.location), 0, self.size):
                digest = f"sha256:{hashlib.sha256(line or b'').hexdigest()}"
                origin = Origin(self.name, offset, len(line or b""), digest)
                locator = f"{self.digest}/{offset}"
                try:
                    question, answer = (line or b"").decode().rstrip("\r\n").split("\t")
                except ValueError:  # UnicodeDecodeError is one
                    yield Rejected(self.reading.nameless(locator, origin), "problems/bad_line")
                    continue
                yield self.reading.row({"question": question, "answer_number": answer}, origin, locator)


@dataclass
class ProblemFiles(DataFiles):
    """Files of problems, as one source of rows."""

    tables: tuple[str, ...] = ()

    @classmethod
    def find(cls, paths: Sequence[str], *, source: str = SOURCE, **options: Any) -> Self:
        """Take what a user typed; see `DataFiles.find`. A folder is searched for all but tables."""
        tables = [found for given in paths if given.endswith(TABLE) for found in _found(given)]
        rest = [given for given in paths if not given.endswith(TABLE)]
        return super().find(rest, source=source, tables=tuple(tables), **options)

    def units(self, store: Store) -> list[DataFile]:
        """Return the parts of all files. Raises BadSource where one cannot be opened."""
        if self._parts is None:
            self._parts = [*super().units(store), *map(self._table, self.tables)]
        return self._parts

    def reading(self, kind: str) -> Reading:
        """Return how the records become problems."""
        return ProblemReading(kind, self.source, self.text, self.drop)

    def kind_in(self, columns: dict[str, list[str]]) -> str:
        """Return that the rows are documents. Raises BadSource where a file holds no problems that we know."""
        for file, known in columns.items():
            if known and form_of(dict.fromkeys(known)) is None:
                expected = "; ".join([f"{', '.join(form)} ({name})" for name, form in FORMS.items()])
                raise BadSource(f"{file}: found columns {safe(', '.join(known), 200)}; expected {expected}")
        return "document"

    def _table(self, location: str) -> DataFile:
        with open_location(location) as stream:
            content = stream.read()
        name, digest = PurePosixPath(location).name, hashlib.sha256(content).hexdigest()
        return ProblemTable(location, name, digest, len(content), 0, len(content), self.reading("document"))

    def _note(self, reading: Reading, columns: dict[str, list[str]]) -> None:
        """Say nothing: every column is known, and the split is a label."""


def _found(given: str) -> list[str]:
    """Return the locations that are meant by a path, a glob or a URL. Raises BadSource where there are none."""
    try:
        fs, path = fsspec.core.url_to_fs(given)
        found = fs.glob(path)
    except UNREACHABLE as error:
        raise BadSource(f"{given}: cannot be reached: {error}; check the address, or download it first") from error
    if not found:
        raise BadSource(f"{given}: no such file; give a table of problems and answers")
    return sorted([fs.unstrip_protocol(one) if "://" in given else one for one in found])
