"""Solutions against each other: sums that are wrong, votes, and reasoning that is the same."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.as_conversations import AsConversations
from generators.calculated import Calculated
from generators.paths import DistinctPaths, path_of
from generators.votes import Votes, majority
from manifests.errors import BadRow
from tests.generators.bees import BEES, ENGLISH
from tests.generators.tasks import document


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("12/2 = <<12/2=6>>6\n#### 18", None),
        ("12/2 = <<12/2=5>>5\n#### 17", "calculator/wrong_annotation"),
        ("So 12 + 6 = 19.\n#### 19", "calculator/wrong_equation"),
        ("She has 18.", None),
    ],
)
def test_a_solution_with_a_wrong_sum_is_refused(solution, reason):
    row = document(f"Is 2 + 2 = 5?\n\n{solution}", labels={"problem": "Is 2 + 2 = 5?"})
    [made] = Calculated()([row])
    assert getattr(made, "reason", None) == reason


def test_solutions_without_sums_can_be_refused():
    [made] = Calculated(min_sums=1)([document("She has 18.")])
    assert (made.reason, made.value, made.threshold) == ("calculator/few_sums", 0.0, 1)


def solutions(*given, **labels):
    return [
        ENGLISH.derive(candidate=number, text=f"{BEES}\n\n{answer}", labels={"answer": answer, **labels})
        for number, answer in enumerate(given)
    ]


def test_the_majority_is_taken_with_its_share():
    quantity, share = majority([18, 18.0, "18", 20])
    assert (str(quantity), share) == ("18", 0.75)
    assert majority([18, 20]) is None
    assert majority([]) is None
    assert majority(["many", 18])[1] == 0.5


VOTES = [  # answers, labels, options, and the reasons
    (("18", "18.0", "$18", "20"), {}, {}, [None, None, None, "votes/minority"]),
    (("18", "20"), {}, {}, ["votes/tie"] * 2),
    (("18", "18", "20", "20", "3"), {}, {}, ["votes/tie"] * 5),
    (("18", "18", "20", "21", "22"), {}, {}, ["votes/low_share"] * 5),
    (("18",), {}, {"least_votes": 2}, ["votes/few"]),
    (("18",), {}, {}, [None]),
    (("18", "18", "20"), {"computed": "18"}, {}, [None, None, "votes/minority"]),
    (("18", "18", "20"), {"computed": "20"}, {}, ["votes/program_differs"] * 3),
    (("18", "20", "20"), {"reference": "18"}, {}, [None, "votes/wrong", "votes/wrong"]),
    (("18", "20", "20"), {"reference": "18"}, {"trust_reference": False}, ["votes/minority", None, None]),
    (("0.25", "25%", "25%"), {"reference": "1/4"}, {}, [None, None, None]),
    (("18", "20", "20"), {"reference": "Tuesday"}, {}, ["votes/minority", None, None]),
]


@pytest.mark.parametrize(("given", "labels", "options", "reasons"), VOTES)
def test_solutions_are_judged_by_their_votes(given, labels, options, reasons):
    made = list(Votes(**options)(solutions(*given, **labels)))
    assert [getattr(one, "reason", None) for one in made] == reasons


def test_every_solution_carries_the_votes():
    made = list(Votes()(solutions("18", "18", "18", "20", reference="18")))
    assert made[0].row.scores == {"votes/cast": 4.0, "votes/share": 0.75, "votes/right": 1.0}
    assert made[3].values == {
        "votes/cast": 4.0,
        "votes/most": 3.0,
        "votes/share": 0.75,
        "votes/own": 1.0,
        "votes/own_answer": 20.0,
        "votes/answer": 18.0,
        "votes/right": 0.0,
    }


@given(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=4))
def test_the_order_of_the_votes_does_not_matter(given):
    outcomes = {
        tuple(sorted([(one.row.labels["answer"], getattr(one, "reason", "")) for one in Votes()(solutions(*order))]))
        for order in permutations(given)
    }
    assert len(outcomes) == 1


def test_a_row_without_an_answer_cannot_vote():
    with pytest.raises(BadRow, match="has the answer 'many'; expected one number"):
        list(Votes()(solutions("many")))


def test_a_solved_problem_becomes_two_turns():
    [row] = solutions("12 + 6 = 18", problem=BEES)
    [made] = AsConversations()([row])
    assert [(turn.role, turn.content) for turn in made.messages] == [("user", BEES), ("assistant", "12 + 6 = 18")]
    assert (made.labels, made.parents) == ({"answer": "12 + 6 = 18"}, (row.id,))
    with pytest.raises(BadRow, match="does not begin with its problem"):
        list(AsConversations()([ENGLISH]))


def test_solutions_with_the_same_equations_are_one():
    given = ["12/2 = 6\n12+6=18", "First 12 / 2 = 6, then 12 + 6 = 18.", "12 * 3 / 2 = 18", "It is 18", "It is  18"]
    made = list(DistinctPaths()(solutions(*given, problem=BEES)))
    assert [getattr(one, "reason", None) for one in made] == [None, "paths/same", None, None, "paths/same"]
    assert made[1].twin == made[0].row.id
    few = list(DistinctPaths(most=1)(solutions(*given, problem=BEES)))
    assert [getattr(one, "reason", None) for one in few] == [None, "paths/same", *["paths/enough"] * 3]
    assert path_of("<<12/2=6>> so 6 = 5 + 1") == ("12/2=6",)
