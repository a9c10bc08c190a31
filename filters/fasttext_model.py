"""fastText classifiers: the label of a whole text and its probability. The one module that imports fastText."""

import hashlib
from functools import cache
from pathlib import Path

import fasttext

from manifests.errors import BadSource

LABEL_PREFIX = "__label__"


class FastText:
    """A classifier read from a file; loaded once a worker through `load`."""

    def __init__(self, path: Path) -> None:
        try:
            self._model = fasttext.load_model(str(path))
        except ValueError as error:
            raise BadSource(f"{path}: no fastText model ({error}); expected a .bin or .ftz file") from error

    @property
    def labels(self) -> frozenset[str]:
        """Every label that the model can give, without prefix."""
        return frozenset(
            label.removeprefix(LABEL_PREFIX) for _, label in self._model.f.predict(b"\n", -1, 0.0, "strict")
        )

    def top(self, text: str) -> tuple[str, float]:
        """Return the likeliest label, without its prefix, and its probability (0 to 1, 4 digits).

        Line ends count as spaces, for fastText reads one line. Four digits are what equals on every machine.
        """
        line = " ".join(text.split()).encode("utf-8", "replace") + b"\n"
        # `predict` of the Python wrapper fails under NumPy 2 in fastText's own release; what it wraps does not.
        [(probability, label)] = self._model.f.predict(line, 1, 0.0, "strict")
        return label.removeprefix(LABEL_PREFIX), round(min(probability, 1.0), 4)


@cache
def load(path: Path) -> FastText:
    """Return the model at `path`, read once in each process. Raises BadSource where there is none."""
    return FastText(path)


@cache
def model_digest(path: Path) -> str:
    """Return the SHA-256 of a model file, in hex: what the fingerprint of a stage names instead of a path."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
