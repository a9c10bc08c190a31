import pytest

from manifests.rows import Conversation, Document, Message, Preference, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.manifests.stages import Source

LONE = "half of a pair: \ud83d"


class Given:
    """A unit of these rows."""

    key, file = "given", "given"

    def __init__(self, *rows):
        self.given = rows

    def rows(self):
        return iter(self.given)


@pytest.mark.parametrize(
    "row",
    [
        Document(text=LONE),
        Document(text="a", url=LONE),
        Document(text="a", licence=LONE),
        Document(text="a", labels={"name": LONE}),
        Conversation(messages=(Message("user", LONE),)),
        Preference(prompt=(Message("user", "a"),), chosen=(Message("assistant", LONE),)),
    ],
    ids=["text", "url", "licence", "label", "turn", "reply"],
)
def test_a_row_with_half_of_a_surrogate_pair_is_refused_whatever_its_kind(tmp_path, row):
    rows = [row.replace(id=row_id(row.kind, "t", "a")), type(row)(id=row_id(row.kind, "t", "b"))]
    made = run(Recipe("x", ()), Source((Given(*rows),)), store=Store(str(tmp_path))).manifest
    assert (made.rows, made.steps[0].reasons) == (1, {"row/not_unicode": 1})
