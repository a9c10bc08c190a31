"""What rules of several families measure with."""

from manifests.stage import Values


def share(part: float, whole: float | None) -> float | None:
    """Return a part of a whole, None where the whole is nothing or not known."""
    return part / whole if whole else None


def prefixed(family: str, values: Values) -> Values:
    """Return values under the names that the rules of a family have for them: "words" as "gopher/words"."""
    return {f"{family}/{name}": value for name, value in values.items()}
