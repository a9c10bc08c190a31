"""Everything that koba raises on purpose.

KobaError                 the root: one line that says where, what was found, what was expected, what to do
├── NotFound              an id, ref or object that the store does not have
├── Ambiguous             an id prefix that fits several
├── Damaged               bytes that are not what their digest says
├── Conflict              a ref that another writer moved, more often than we are willing to retry
├── StoreFailed           a store that cannot be written, or that ignores put-if-absent
├── BadRecipe             a recipe, stage or option that cannot be run or has no stable identity
├── BadSource             an input that cannot be opened at all
├── BadRow                a row that breaks the contract of its kind, of its stage or of its manifest
├── Diverged              a training whose loss or gradient is no number any more
└── Incomplete            a run in which at least one shard is missing; it can be run again
    └── WorkerLost        a worker that can do no more, because its engine is gone: the work is begun again in another
"""


class KobaError(Exception):
    """The root of all errors that a user can act on."""


class NotFound(KobaError):
    """An id, ref or object that the store does not have."""


class Ambiguous(KobaError):
    """An id prefix that fits several ids."""


class Damaged(KobaError):
    """Bytes that are not what their digest says."""


class Conflict(KobaError):
    """A ref that other writers kept moving."""


class StoreFailed(KobaError):
    """A store that cannot be written or cannot keep its promises."""


class BadRecipe(KobaError):
    """A recipe, stage or option that cannot be run or has no stable identity."""


class BadSource(KobaError):
    """An input that cannot be opened at all."""


class BadRow(KobaError):
    """A row that breaks the contract of its kind, of its stage or of its manifest."""


class Diverged(KobaError):
    """A loss or a gradient that is no number. The weights before that step are in the last checkpoint."""

    def __init__(self, message: str, rows: tuple[bytes, ...]) -> None:
        super().__init__(message)
        self.rows = rows  # ids of all rows that the step saw

    def __reduce__(self) -> tuple[type["Diverged"], tuple[str, tuple[bytes, ...]]]:
        return type(self), (str(self), self.rows)  # so that it comes back whole from another process


class Incomplete(KobaError):
    """A run in which at least one shard is missing. What was finished is kept; run it again."""


class WorkerLost(Incomplete):
    """A worker that can do no more, because its engine is gone."""
