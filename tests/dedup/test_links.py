"""Links of bands, components of links: against the plain way, and however they are cut into parts."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import clusters, components, links
from dedup.components import labelled
from dedup.solve import Labelled
from manifests.shuffle import Here, over

EDGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(lambda pair: pair[0] != pair[1]), max_size=60)


def plain(count, edges):
    """Return the least row of the component of each row that has an edge."""
    ends = {row for edge in edges for row in edge}
    return {row: min(found) for found in clusters.components(range(count), edges) for row in found if row in ends}


def parted(edges, parts):
    array = np.array(edges, np.int64).reshape(-1, 2)
    return [(array[part::parts], len(array[part::parts])) for part in range(parts)]


def by_slice(found, starts):
    return {
        int(start + row): int(label)
        for start, part in zip(starts, found, strict=False)
        for row, label in zip(part.rows, part.labels, strict=True)
    }


@given(EDGES)
def test_components_are_those_of_the_plain_way(edges):
    rows, labels = components.components(np.array(edges, np.int64).reshape(-1, 2))
    assert dict(zip(rows.tolist(), labels.tolist(), strict=True)) == plain(41, edges)


@settings(deadline=None)
@given(EDGES, st.integers(1, 4))
def test_stars_come_to_the_same_components_as_one_process(edges, parts):
    starts = np.array([0, 7, 7, 20, 41])
    here = labelled(Here(), parted(edges, parts), starts)
    stars = labelled(Here(), parted(edges, parts), starts, edges_here=-1)
    assert by_slice(here, starts) == by_slice(stars, starts) == plain(41, edges)
    assert all(isinstance(part, Labelled) for part in stars)


def test_stars_gather_a_long_chain():
    edges = [(row, row + 1) for row in range(2_000)]
    random.Random(0).shuffle(edges)
    found = labelled(Here(), parted(edges, 5), np.array([0, 2_001]), edges_here=-1)
    assert set(by_slice(found, [0]).values()) == {0}


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_a_bucket_are_linked_as_if_each_was_held_against_each(seed):
    rng = np.random.default_rng(seed)
    heads = rng.integers(0, 2**32, (6, 128), dtype=np.uint32)
    signatures = heads[rng.integers(0, 6, 120)]
    noise = rng.random((120, 128)) < rng.random((120, 1)) * 0.4
    signatures = np.where(noise, rng.integers(0, 2**32, (120, 128), dtype=np.uint32), signatures)
    codes, parents = links.code(signatures), np.arange(120)
    links.link(codes, np.arange(120, dtype=np.int32), np.full(120, 120, np.int32), 40, parents)
    low = signatures & 3
    near = [(one, two) for one in range(120) for two in range(one) if (low[one] != low[two]).sum() <= 40]
    expected = {row: row for row in range(120)} | plain(120, near)
    assert parents.tolist() == [expected[row] for row in range(120)]
    assert 1 < len(set(parents.tolist())) < 100


def test_codes_differ_where_the_low_bits_of_the_values_do():
    signatures = np.random.default_rng(0).integers(0, 6, (20, 128), dtype=np.uint32)
    codes = links.code(signatures)
    for one in range(20):
        for other in range(20):
            expected = ((signatures[one] & 3) != (signatures[other] & 3)).sum()
            assert links.differences(codes, one, other) == expected


def test_the_codes_of_a_pair_at_the_threshold_are_nearly_always_alike_enough():
    rng = np.random.default_rng(0)
    most = links.most_differences(0.8, 128)
    equal = rng.random((100_000, 128)) < 0.8
    differ = ~equal & (rng.random((100_000, 128)) < 0.75)  # of unequal values, a quarter share their two low bits
    assert most == 41
    assert (differ.sum(1) > most).mean() <= 2e-5


def test_equal_digests_point_to_their_first_row():
    digests = np.array([[1, 2], [3, 4], [1, 2], [1, 4], [3, 4]], np.uint64)
    assert links.first_of_equals(digests).tolist() == [0, 1, 0, 3, 1]
    assert links.first_of_equals(digests[:0]).tolist() == []


def test_a_shuffle_hands_each_part_its_payloads_in_the_order_of_the_items():
    shuffle = over(map)
    found = shuffle(lambda n: [f"{n}a", f"{n}b"], lambda payloads: ("".join(payloads), len(payloads)), [(1,), (2,)], 2)
    assert found == [("1a2a", 2), ("1b2b", 2)]
    assert list(shuffle.get(kept for kept, _ in found)) == ["1a2a", "1b2b"]


def test_what_is_sent_by_band_is_each_band_of_each_row_once():
    class One:
        def table(self):
            signature = np.arange(2 * 8, dtype="<u4").reshape(2, 8)
            kinds = pa.binary(32), pa.binary(16)
            return pa.table(
                {
                    "signature": pa.array([row.tobytes() for row in signature], kinds[0]),
                    "digest": pa.array([b"1" * 16, b"2" * 16], kinds[1]),
                }
            )

    sent = links.ByBand(bands=4, rows=2, parts=3)(10, One())
    seen = [(int(record.rows[place])) for record in sent for place in record.places]
    assert sorted(seen) == [10] * 4 + [11] * 4
    assert len({int(key) for record in sent for key in record.keys}) == 8
