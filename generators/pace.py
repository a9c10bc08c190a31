"""How a run of model calls goes while its units are not done yet: tokens, rows, what is accepted, time left."""

import time
from collections.abc import Mapping

from generators.purse import Purse


class Pace:
    """A gauge, as `manifests.progress` shows it, of what a purse counts."""

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self.source_rows: int | None = None  # of the first part; it is not known how many reach the next ones
        self._rows: float | None = None  # of this part that are to be asked about
        self._base: Mapping[str, int] = {}
        self._first: tuple[float, Mapping[str, int]] | None = None

    def begin(self, share: float) -> None:
        """Begin a part, of which so large a share is left to do."""
        self._rows = None if self.source_rows is None else self.source_rows * share
        self.source_rows = None
        self._base = self.purse.counts()
        self._first = None

    def reading(self) -> str:
        """Return, say, "1,240 tokens/s, 3.1 rows/s, 87 % accepted"; "" where no row was asked about yet."""
        now = self._since_the_part_began()
        judged = now["accepted"] + now["refused"]
        tokens, rows = self._rate("paid_out"), self._rate("rows")
        said = [f"{tokens:,.0f} tokens/s"] if tokens else []
        said += [f"{_short(rows)} rows/s"] if rows else []
        said += [f"{now['accepted'] / judged:.0%} accepted".replace("%", " %")] if judged else []
        return ", ".join(said)

    def seconds_left(self) -> float | None:
        """Return how long the rest of the part takes at the speed so far."""
        rate = self._rate("rows")
        if self._rows is None or not rate:
            return None
        return max(0.0, self._rows - self._since_the_part_began()["rows"]) / rate

    def _since_the_part_began(self) -> dict[str, int]:
        return {name: count - self._base.get(name, 0) for name, count in self.purse.counts().items()}

    def _rate(self, name: str) -> float | None:
        """Return how fast a count grew since the first reply was seen: until then the model is loaded."""
        counts, now = self.purse.counts(), time.monotonic()
        if self._first is None:
            if counts["calls"] == self._base.get("calls", 0):
                return None
            self._first = now, counts
        start, first = self._first
        grown = counts[name] - first[name]
        return grown / (now - start) if grown > 0 else None


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
