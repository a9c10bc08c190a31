"""Scores by the values of a label."""

import json

import pytest
from click.testing import CliRunner

from manifests.errors import NotFound
from manifests.label_scores import ScoreLine, score_lines
from manifests.label_scores_command import show_scores
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.generators.tasks import Texts, document
from tests.manifests.stages import Source

ROWS = {
    "a": ("wiki", {"kept/names": 1.0, "kept/numbers": 0.5}),
    "b": ("wiki", {"kept/names": 0.0}),
    "c": ("easy", {"kept/names": 0.25}),
    "d": (None, {"kept/names": 0.75, "length": 9.0}),
}


class Scored(Texts):
    """Texts with the scores and the style of ROWS."""

    def rows(self):
        for text in self.texts:
            style, scores = ROWS[text]
            yield document(text, scores=scores, labels={"style": style} if style else {})


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "s"))
    run(Recipe("made", ()), Source((Scored(("a", "b")), Scored(("c", "d")))), store=store, tag="made")
    return store


def test_each_value_of_a_label_has_a_line_for_each_score(store):
    lines = score_lines(store, [store.manifest("made")], "style", "kept/*")
    assert [(line.score, line.group, line.rows, line.mean) for line in lines] == [
        ("kept/names", "easy", 1, 0.25),
        ("kept/names", "wiki", 2, 0.5),
        ("kept/names", None, 1, 0.75),
        ("kept/numbers", "wiki", 1, 0.5),
    ]
    assert lines[1] == ScoreLine("wiki", "kept/names", 2, 0.5, pytest.approx(0.1), 0.5, pytest.approx(0.9))


def test_without_a_label_all_rows_are_one_group_and_a_column_is_as_good_as_a_label(store):
    assert [(line.group, line.rows) for line in score_lines(store, [store.manifest("made")], None, "length")] == [
        (None, 1)
    ]
    [line] = score_lines(store, [store.manifest("made")] * 2, "language", "kept/names")
    assert (line.group, line.rows, line.mean) == ("en", 8, 0.5)


def test_what_no_row_has_is_told(store):
    with pytest.raises(NotFound, match="a score like 'gates/"):
        score_lines(store, [store.manifest("made")], "style", "gates/*")
    with pytest.raises(NotFound, match="the label 'audience'; expected a label, or language, licence, source"):
        score_lines(store, [store.manifest("made")], "audience")


def test_the_command_prints_a_table_and_json(store):
    arguments = ["made", "--by", "style", "--score", "kept/names", "--store", store.url]
    printed = CliRunner().invoke(show_scores, arguments, catch_exceptions=False).stdout
    assert printed.splitlines()[0].split() == ["score", "style", "rows", "mean", "10", "%", "median", "90", "%"]
    assert printed.splitlines()[3].split()[:3] == ["kept/names", "(none)", "1"]
    told = json.loads(CliRunner().invoke(show_scores, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert [(line["group"], line["rows"]) for line in told] == [("easy", 1), ("wiki", 2), (None, 1)]
