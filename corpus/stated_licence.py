"""The licence of rows whose source states none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from manifests.rows import Row
from manifests.stage import Kept, Rejected, Stage


@dataclass(frozen=True, slots=True)
class StatedLicence(Stage):
    """Write a licence on the rows that have none; no row is refused."""

    licence: str  # SPDX identifier

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row | Kept | Rejected]:
        for row in rows:
            yield row if row.licence else row.replace(licence=self.licence)
