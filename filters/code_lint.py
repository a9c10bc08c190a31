"""pylint's opinion of a Python file, from 0 to 10, less its share of comments (SwallowCode; threshold 7.0).

    PythonSyntax(), Lint(), LintScore(min_score=7.0)

`Lint` is dear, a second for a file, and records; `LintScore` decides behind its cut. pylint follows imports into the
standard library and nowhere else: which packages a machine has must not change a score.

lint/unfinished     pylint took too long or died of it, see manifests.bounded
lint/low_score      the score less the share of comments is below the threshold
"""

import io
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from filters.code_tokens import comment_share, penalised
from manifests.bounded import Bounded, Unfinished
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Rules, Stage, Values, at_least

SCORE, COMMENTS = "lint/pylint", "lint/comments"
# import-error, missing docstrings, long lines, names, order and grouping of imports, few methods, TODOs: of SwallowCode
DISABLED = ("E0401", "C0114", "C0301", "C0103", "C0116", "C0411", "R0903", "W0511", "C0412")
_NAME = "/nowhere/linted_file.py"
_KEPT_FILES = 50  # that are linted with what pylint has learned of the standard library


class _Linter:
    """pylint, loaded once."""

    def __init__(self, disabled: tuple[str, ...]) -> None:
        from astroid import MANAGER  # type: ignore[import-untyped] # noqa: PLC0415
        from pylint.lint import PyLinter  # noqa: PLC0415
        from pylint.reporters import CollectingReporter  # noqa: PLC0415

        self.disabled = disabled
        self._manager, self._reporter = MANAGER, CollectingReporter
        self._linted = 0
        self._pylint: Any = PyLinter()
        self._pylint.load_default_plugins()
        for message in disabled:
            self._pylint.disable(message)
        self._pylint.config.persistent = False
        self._pylint.config.from_stdin = True

    def score(self, text: str) -> float:
        if self._linted % _KEPT_FILES == 0:
            self._manager.clear_cache()
        self._linted += 1
        self._pylint.set_reporter(self._reporter())
        lines = text if text.endswith("\n") else f"{text}\n"  # rows are often stripped: no fault of the code
        sys.stdin = io.TextIOWrapper(io.BytesIO(lines.encode()), "utf-8")  # no file of ours is ever on a disk
        self._pylint.open()
        self._pylint.check([_NAME])
        self._manager.astroid_cache.pop(Path(_NAME).stem, None)
        stats = self._pylint.stats
        if stats.fatal or not stats.statement:
            return 0.0
        found = 5 * stats.error + stats.warning + stats.refactor + stats.convention
        return float(max(0.0, 10.0 - 10.0 * found / stats.statement))


_loaded: list[_Linter] = []


def load() -> None:
    """Load pylint, and let it see the standard library alone. For a process that does nothing else."""
    linter = _Linter(DISABLED)
    linter.score("import os\n\nprint(os.name)\n")  # loads what pylint imports late
    own = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    sys.path[:] = [path for path in sys.path if path in own or Path(path).name == "lib-dynload"]
    sys.path_importer_cache.clear()
    _loaded[:] = [linter]


def pylint_score(text: str) -> float:
    """Return pylint's score of a Python file; 0 for one without a statement. After `load`."""
    return _loaded[0].score(text)


@dataclass(frozen=True, slots=True)
class Lint(Stage):
    """Record what pylint gives a file, and its share of comments, as scores of the row."""

    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("pylint", "astroid")
    dear: ClassVar[bool] = True

    timeout_s: float = 60.0  # of processor time for one file
    memory_mb: int = 2_048

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        asked = Bounded(pylint_score, self.timeout_s, self.memory_mb << 20, load)
        for doc in rows:
            try:
                found = {SCORE: asked(doc.text), COMMENTS: comment_share(doc.text)}
            except Unfinished:
                yield Rejected(doc, "lint/unfinished")
                continue
            yield Kept(doc.replace(scores={**doc.scores, **found}), found)


@dataclass(frozen=True, slots=True)
class LintScore(Rules):
    """Keep files by their score from `Lint`, which comes first, less their share of comments. None is off."""

    min_score: float | None = 7.0

    def rules(self) -> tuple[Rule, ...]:
        return at_least("lint/low_score", "lint_score", self.min_score)

    def measure(self, doc: Document) -> Values:
        return {"lint_score": penalised(doc.scores.get(SCORE, 0.0), doc.scores.get(COMMENTS, 0.0))}
