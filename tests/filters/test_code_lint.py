"""pylint as a gate. It is slow to load: one process for all tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from filters.code_lint import COMMENTS, SCORE, Lint, LintScore
from manifests.rows import Document
from manifests.stage import Kept, Rejected

GOOD = 'def double(number: int) -> int:\n    """Twice."""\n    return 2 * number\n'
BAD = "import os, json\ndef f(a,b,c):\n  x=1\n  try:\n    return undefined\n  except:\n    pass\n"
TEXTS = {
    "good": GOOD,
    "bad": BAD,
    "commented": GOOD + "# said\n" * 20,
    "no statement": "# only\n",
    "other packages": "import numpy_of_nobody\n\nprint(numpy_of_nobody.zeros(3))\n",
    "own name": "import linted_file\n\nprint(linted_file.nothing)\n",
    "silenced": "# pylint: disable=all\nx = undefined\n",
}


@pytest.fixture(scope="module")
def scores():
    """The scores of all texts, and of the same texts once more in another order."""
    found = {}
    for names in (TEXTS, [*TEXTS][::-1]):
        for name in names:
            [kept] = Lint()([Document(text=TEXTS[name])])
            assert isinstance(kept, Kept)
            found.setdefault(name, []).append(kept.row.scores[SCORE])
    return found


def test_the_score_is_that_of_the_command(scores):
    # python -m pylint --persistent=n --disable=E0401,C0114,C0301,C0103,C0116,C0411,R0903,W0511,C0412
    assert scores["good"][0] == 10.0
    assert scores["bad"][0] == 0.0
    assert scores["other packages"][0] == 10.0
    assert scores["no statement"][0] == scores["silenced"][0] == 0.0


def test_the_score_does_not_depend_on_what_was_looked_at_before(scores):
    assert {name for name, (first, second) in scores.items() if first != second} == set()


def test_comments_count_against_a_file(scores):
    assert scores["commented"][0] == 10.0
    [kept] = Lint()([Document(text=TEXTS["commented"])])
    [refused] = LintScore()([kept.row])
    assert isinstance(refused, Rejected)
    assert refused.reason == "lint/low_score"
    assert (refused.value, refused.threshold) == (pytest.approx(10 * (1 - kept.row.scores[COMMENTS])), 7.0)


@pytest.mark.parametrize(("share", "kept"), [(0.10, True), (0.25, False), (1.0, False)])
def test_the_threshold_is_that_of_swallowcode(share, kept):
    [found] = LintScore()([Document(text="x", scores={SCORE: 8.0, COMMENTS: share})])
    assert isinstance(found, Kept) == kept
    assert found.values["lint_score"] == pytest.approx(8.0 * (1 - share))


def test_a_file_that_pylint_does_not_end_with_is_refused_and_the_next_one_is_read():
    [refused] = Lint(timeout_s=0.01)([Document(text="import asyncio\n\nprint(asyncio.run)\n" + "x = [1]\n" * 20_000)])
    assert refused.reason == "lint/unfinished"
    [kept] = Lint()([Document(text=GOOD)])
    assert kept.row.scores[SCORE] == 10.0


def test_no_file_is_left_behind_anywhere(tmp_path):
    code = "import sys; sys.path.insert(0, sys.argv[1]); from filters import code_lint as lint; lint.load()"
    code += "; print(lint.pylint_score('x = 1'))"
    homes = dict.fromkeys(("TMPDIR", "HOME", "PYLINTHOME", "XDG_CACHE_HOME"), str(tmp_path))
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, root], cwd=tmp_path, env=homes, capture_output=True, text=True, check=True
    )
    assert done.stdout == "10.0\n"
    assert list(tmp_path.iterdir()) == []
