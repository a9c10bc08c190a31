import random

import pytest

from dedup.clusters import components, survivors


def test_components_hold_together_what_is_connected():
    found = components(range(7), [(0, 1), (1, 2), (4, 5)])
    assert sorted(map(sorted, found)) == [[0, 1, 2], [3], [4, 5], [6]]


def test_an_edge_to_a_row_outside_does_not_connect():
    assert sorted(map(sorted, components([0, 2], [(0, 1), (1, 2)]))) == [[0], [2]]


def test_the_first_row_of_a_cluster_stays_and_its_neighbours_go():
    assert survivors(4, [(0, 1), (0, 2), (1, 2)]) == {1: 0, 2: 0}


def test_the_far_end_of_a_chain_stays():
    assert survivors(3, [(0, 1), (1, 2)]) == {1: 0}


def test_both_ends_of_a_chain_go_when_its_middle_stays():
    assert survivors(3, [(1, 0), (0, 2)]) == {1: 0, 2: 0}


def test_a_cluster_is_split_until_each_row_is_near_the_one_that_stays():
    assert survivors(7, [(row, row + 1) for row in range(6)]) == {1: 0, 3: 2, 5: 4}


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_stay_are_far_from_each_other_and_rows_that_go_are_near_their_survivor(seed):
    rng = random.Random(seed)
    edges = {(one, other) for one in range(40) for other in range(one) if rng.random() < 0.06}
    gone = survivors(40, edges)
    near = edges | {(other, one) for one, other in edges}
    assert all((row, twin) in near and twin < row and twin not in gone for row, twin in gone.items())
    stay = [row for row in range(40) if row not in gone]
    assert not any((one, other) in near for one in stay for other in stay)
