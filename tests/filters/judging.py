"""One text, one stage: what a test wants to know."""

from manifests.rows import Document
from manifests.stage import Rejected, Stage, Values


def reason(stage: Stage, text: str) -> str | None:
    """Return why the stage refuses a text, or None where it keeps it."""
    [outcome] = stage([Document(text=text)])
    return outcome.reason if isinstance(outcome, Rejected) else None


def values(stage: Stage, text: str) -> Values:
    [outcome] = stage([Document(text=text)])
    return outcome.values
